#include "oracle/command_judge.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_set>

#include "base/check.h"
#include "base/text.h"

namespace oldornew {

namespace {

VersionHistory Promises(const Trace& trace, const Question& question) {
  VersionHistory out;
  out.acks = FindAcks(trace, question.ack);
  return out;
}

}  // namespace

CommandJudge::CommandJudge(const Trace& trace, const Question& question, const CheckerPool& pool)
    : StateJudge(Subject{".", {{0, ""}}, true}, Projection{{""}}, Promises(trace, question)),
      trace_(trace),
      question_(question),
      pool_(pool) {
  CHECK(!pool.empty());
}

Status CommandJudge::Learn() {
  if (pool_[0].view) RETURN_IF_ERROR(LearnVersions());
  if (pool_[0].check) RETURN_IF_ERROR(CheckEndpoints());
  return {};
}

CheckerContext CommandJudge::ContextAt(uint32_t point) const {
  CheckerContext context;
  const auto& acks = history().acks;
  context.acked = static_cast<uint32_t>(
      std::count_if(acks.begin(), acks.end(), [&](const Ack& ack) { return ack.point <= point; }));
  for (uint32_t i = 0; i < point && i < trace_.ops.size(); ++i) {
    const Op& op = trace_.ops[i];
    if (op.kind == OpKind::kOutput && op.error == 0 && op.name == "stdout")
      context.printed += trace_.Payload(op);
  }
  return context;
}

Result<CheckerAnswer> CommandJudge::Ask(const Checker& checker, const FileTree& tree,
                                        uint32_t point) const {
  return checker(WithoutVolatile(tree, question_.volatile_globs), ContextAt(point));
}

// Asked twice: a view that does not print the same on the same state decides nothing.
Status CommandJudge::LearnVersion(const FileTree& tree, uint32_t point) {
  ASSIGN_OR_RETURN(const CheckerAnswer one, Ask(pool_[0].view, tree, point));
  ASSIGN_OR_RETURN(const CheckerAnswer other, Ask(pool_[0].view, tree, point));
  const std::string first = ShowAnswer(one);
  const std::string second = ShowAnswer(other);
  if (first != second) {
    return FailWith(
        ExitCode::kUsage,
        "--view prints {} and then {} on the same state: it must print the same each time",
        Quote(first), Quote(second));
  }
  versions_.push_back({point, first});
  return {};
}

// The view of old, of new, and of what the page cache showed at each acknowledgement.
Status CommandJudge::LearnVersions() {
  const auto points = static_cast<uint32_t>(trace_.ops.size());
  const auto& acks = history().acks;
  RETURN_IF_ERROR(LearnVersion(trace_.old_tree, 0));
  LiveTree live(trace_);
  for (uint32_t i = 0, next = 0; i <= points; ++i) {
    for (; next < acks.size() && acks[next].point == i; ++next)
      RETURN_IF_ERROR(LearnVersion(live.tree(), i));
    if (i < points) live.Apply(trace_.ops[i]);
  }
  RETURN_IF_ERROR(LearnVersion(live.tree(), points));

  if (old_view() == new_view()) {
    notes_.emplace_back(
        "--view prints the same for the old and the new state: only other output would be noticed");
  }
  return {};
}

Status CommandJudge::CheckEndpoints() {
  const auto points = static_cast<uint32_t>(trace_.ops.size());
  for (const auto& [tree, name, point] :
       {std::tuple{&trace_.old_tree, "old", 0u}, std::tuple{&trace_.new_tree, "new", points}}) {
    ASSIGN_OR_RETURN(const CheckerAnswer answer, Ask(pool_[0].check, *tree, point));
    if (answer.exit_status != 0) {
      return FailWith(ExitCode::kBaselineFailed,
                      "--check rejects the {} state itself (exit {}): {}", name, answer.exit_status,
                      Quote(answer.output, 200));
    }
  }
  return {};
}

// The check may look at OLDORNEW_ACKED and OLDORNEW_STDOUT: the same tree is asked again when those
// differ.
Digest CommandJudge::KeyOfState(const CrashState& state) const {
  if (!pool_[0].check) return state.digest;
  const CheckerContext context = ContextAt(state.last_point);
  return Hasher().Add(state.digest).Add(context.acked).Add(context.printed).Finish();
}

Result<CommandJudge::Answers> CommandJudge::AskBoth(const CheckerSet& checkers,
                                                    const CrashState& state) const {
  Answers answers;
  if (checkers.view) {
    ASSIGN_OR_RETURN(const CheckerAnswer answer, Ask(checkers.view, state.tree, state.last_point));
    answers.view = ShowAnswer(answer);
  }
  if (checkers.check) {
    ASSIGN_OR_RETURN(answers.check, Ask(checkers.check, state.tree, state.last_point));
  }
  return answers;
}

// One command run for each state not seen before, side by side.
Status CommandJudge::AnswerAll(std::span<const CrashState> states) {
  std::vector<std::pair<Digest, const CrashState*>> todo;
  std::unordered_set<Digest> chosen;
  for (const CrashState& state : states) {
    const Digest key = KeyOfState(state);
    if (!answers_.contains(key) && chosen.insert(key).second) todo.emplace_back(key, &state);
  }

  std::vector<Result<Answers>> results(todo.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&](const CheckerSet& checkers) {
    for (size_t i = next++; i < todo.size() && !failed; i = next++) {
      results[i] = AskBoth(checkers, *todo[i].second);
      if (!results[i]) failed = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(pool_.size(), todo.size()); ++i)
    threads.emplace_back(work, std::cref(pool_[i]));
  if (!todo.empty()) work(pool_[0]);
  for (std::thread& thread : threads) thread.join();

  for (const auto& result : results) {
    if (!result) return tl::unexpected(result.error());
  }
  for (size_t i = 0; i < todo.size(); ++i) answers_.emplace(todo[i].first, std::move(*results[i]));
  return {};
}

Status CommandJudge::Judge(std::span<const CrashState> states, const Found& found) {
  RETURN_IF_ERROR(AnswerAll(states));
  for (const CrashState& state : states) JudgeAnswers(answers_.at(KeyOfState(state)), state, found);
  return {};
}

void CommandJudge::JudgeAnswers(const Answers& answers, const CrashState& state,
                                const Found& found) const {
  const auto report = [&](Oracle oracle, Outcome outcome, const std::string& evidence, int ack) {
    found({oracle, outcome, subject().name, evidence, ack}, state);
  };
  if (pool_[0].check && answers.check.exit_status != 0)
    report(Oracle::kCheck, Outcome::kRejectedByCheck, answers.check.output, -1);
  if (!pool_[0].view) return;

  const auto shown_by = [&](uint32_t after) {
    return std::any_of(versions_.begin(), versions_.end(), [&](const ViewVersion& v) {
      return v.output == answers.view && (after == 0 || v.point >= after);
    });
  };
  if (!shown_by(0)) {
    report(Oracle::kAtomic, Outcome::kUnlikeAnyVersion, answers.view, -1);
    return;
  }

  // The latest promise given before the crash is the strictest one.
  int promise = -1;
  const auto& acks = history().acks;
  for (size_t i = 0; i < acks.size(); ++i) {
    if (acks[i].point <= state.last_point) promise = static_cast<int>(i);
  }
  if (promise >= 0 && !shown_by(acks[static_cast<size_t>(promise)].point))
    report(Oracle::kDurable, Outcome::kOldAfterAck, answers.view, promise);
}

}  // namespace oldornew
