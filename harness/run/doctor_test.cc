#include "run/doctor.h"

#include "run/test_support.h"

namespace oldornew {
namespace {

TEST(Doctor, AnswersEveryQuestionInASentenceAndAdvisesWhereItSaysNo) {
  for (const char* off : {"0", "1"}) {
    setenv("OLDORNEW_NO_NAMESPACE", off, 1);
    const auto answers = Examine({"sh"});
    EXPECT_EQ(answers.size(), 7u);
    for (const DoctorAnswer& answer : answers) {
      EXPECT_TRUE(answer.question.ends_with("?")) << answer.question;
      EXPECT_FALSE(answer.answer.empty()) << answer.question;
      EXPECT_TRUE(answer.level == DoctorAnswer::Level::kYes || !answer.advice.empty()) << answer.question;
    }
  }
  unsetenv("OLDORNEW_NO_NAMESPACE");
}

TEST(Doctor, SaysThatAProgramIsMissing) {
  const auto answers = Examine({"no-such-command-anywhere"});
  EXPECT_EQ(answers.back().level, DoctorAnswer::Level::kNo);
}

TEST(Doctor, SaysThatTheWorkAreaIsImpossible) {
  const auto answers = Examine({}, "/no/such/place");
  EXPECT_EQ(answers.back().level, DoctorAnswer::Level::kNo);
  EXPECT_NE(answers.back().answer.find("/no/such/place"), std::string::npos);
}

}  // namespace
}  // namespace oldornew
