#include "interpose/strace_value.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oldornew {
namespace {

using testing::ElementsAre;

TEST(StraceValue, ReadsNumbersInEveryBase) {
  EXPECT_EQ(PrintedNumber("0"), 0);
  EXPECT_EQ(PrintedNumber("-1"), -1);
  EXPECT_EQ(PrintedNumber("0644"), 0644);
  EXPECT_EQ(PrintedNumber("0x7f"), 127);
  EXPECT_EQ(PrintedNumber("0x242 /* O_RDWR|O_CREAT|O_TRUNC */"), 0x242);
  EXPECT_EQ(PrintedNumber("18446744073709551615"), -1);
  for (const char* bad :
       {"", "-", "0x", "08", "1a", "18446744073709551616", "NULL", "1 2", "\"1\""})
    EXPECT_FALSE(PrintedNumber(bad)) << bad;
}

TEST(StraceValue, OrsFlagsTogetherWhetherTheyAreNamedOrNumbers) {
  const std::vector<PrintedSymbol> table = {{"O_WRONLY", O_WRONLY}, {"O_CREAT", O_CREAT}};
  bool unknown = false;
  EXPECT_EQ(PrintedFlags("O_WRONLY|O_CREAT", table, &unknown), O_WRONLY | O_CREAT);
  EXPECT_FALSE(unknown);
  EXPECT_EQ(PrintedFlags("0x41", table), O_WRONLY | O_CREAT);
  EXPECT_EQ(PrintedFlags("O_WRONLY|0x40 /* rest */", table), O_WRONLY | O_CREAT);
  EXPECT_EQ(PrintedFlags("O_LARGEFILE|O_CREAT", table, &unknown), O_CREAT);
  EXPECT_TRUE(unknown);
  for (const char* bad : {"", "|", "O_CREAT|", "\"x\"", "a b"})
    EXPECT_FALSE(PrintedFlags(bad, table)) << bad;
}

TEST(StraceValue, DecodesEveryByteInEveryEscape) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string expected(1, static_cast<char>(byte));
    char text[16];
    snprintf(text, sizeof text, "\"\\x%02x\"", byte);
    EXPECT_EQ(PrintedString(text)->bytes, expected);
    snprintf(text, sizeof text, "\"\\%o\"", byte);
    EXPECT_EQ(PrintedString(text)->bytes, expected);
    snprintf(text, sizeof text, "\"\\%03o1\"", byte);
    EXPECT_EQ(PrintedString(text)->bytes, expected + "1");
  }
  EXPECT_EQ(PrintedString(R"("a\"b\\c\n\t\r\v\f")")->bytes, "a\"b\\c\n\t\r\v\f");
}

TEST(StraceValue, TellsACutStringFromAWholeOne) {
  EXPECT_FALSE(PrintedString("\"abc\"")->cut);
  EXPECT_TRUE(PrintedString("\"abc\"...")->cut);
  for (const char* bad :
       {"", "\"", "\"abc", "\"\\x1\"", "\"\\", "NULL", "0x7ffd", "\"a\"b", "\"\\777\""})
    EXPECT_FALSE(PrintedString(bad)) << bad;
}

TEST(StraceValue, ReadsDescriptorsWithAndWithoutTheirPaths) {
  EXPECT_EQ(PrintedFd("3")->number, 3);
  EXPECT_FALSE(PrintedFd("3")->annotated);
  EXPECT_EQ(PrintedFd("3</a/b c>")->path, "/a/b c");
  EXPECT_EQ(PrintedFd("3</a/h\\74i\\76>")->path, "/a/h<i>");
  EXPECT_EQ(PrintedFd("3<\\x2f\\x61>")->path, "/a");
  EXPECT_TRUE(PrintedFd("3</a>(deleted)")->deleted);
  EXPECT_EQ(PrintedFd("1</dev/null<char 1:3>>")->path, "/dev/null");
  EXPECT_EQ(PrintedFd("4<pipe:[17]>")->path, "pipe:[17]");
  EXPECT_EQ(PrintedFd("4<TCP:[127.0.0.1:80->127.0.0.1:90]>")->path,
            "TCP:[127.0.0.1:80->127.0.0.1:90]");
  EXPECT_EQ(PrintedFd("3</a/odd->")->path, "/a/odd-");
  EXPECT_EQ(PrintedFd("AT_FDCWD</a>")->number, AT_FDCWD);
  EXPECT_EQ(PrintedFd("-100 /* AT_FDCWD */</a>")->path, "/a");
  for (const char* bad : {"", "x", "3<", "3</a", "3</a>b", "NULL", "99999999999"})
    EXPECT_FALSE(PrintedFd(bad)) << bad;
}

TEST(StraceValue, SplitsListsAtTheirTopLevelOnly) {
  EXPECT_THAT(*PrintedList("[a, {b=1, c=\"x, y\"}, 3</p,q>]"),
              ElementsAre("a", "{b=1, c=\"x, y\"}", "3</p,q>"));
  EXPECT_THAT(*PrintedList("1, \"a)]}\", 2 /* b, c */", false),
              ElementsAre("1", "\"a)]}\"", "2 /* b, c */"));
  EXPECT_TRUE(PrintedList("[]")->empty());
  for (const char* bad : {"[", "]", "[a", "[a)", "[\"]"}) {
    const auto list = PrintedList(bad);
    EXPECT_TRUE(!list || *list == std::vector<std::string_view>{"a)"}) << bad;
  }
  EXPECT_EQ(*PrintedField("{st_mode=S_IFREG|0644, st_size=4, ...}", "st_size"), "4");
  EXPECT_FALSE(PrintedField("{st_mode=0}", "mode"));
}

TEST(StraceValue, FindsTheEndOfTheArguments) {
  const std::string text = R"~((3</a(b>, "x)\")", {a=(1)}, 1<<2|(3)) = 5)~";
  EXPECT_EQ(FindClosing(text), text.rfind(") = 5"));
  for (size_t length = 0; length < text.rfind(") = 5"); ++length)
    EXPECT_EQ(FindClosing(std::string_view(text).substr(0, length)), std::string_view::npos)
        << length;
}

}  // namespace
}  // namespace oldornew
