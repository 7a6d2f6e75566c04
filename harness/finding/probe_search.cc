#include "finding/probe_search.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace oldornew {

FileTree WithoutVolatile(const FileTree& tree, const std::vector<std::string>& globs) {
  FileTree out = tree;
  for (const auto& [path, index] : tree.Walk()) {
    auto& entries = out.at(index).entries;
    std::erase_if(entries, [&, &dir = path](const auto& entry) {
      const std::string child = JoinPath(dir, entry.first);
      return std::any_of(globs.begin(), globs.end(),
                         [&](const std::string& glob) { return GlobMatches(glob, child); });
    });
  }
  return out;
}

std::string ShowAnswer(const ProbeAnswer& answer) {
  return answer.exit_status == 0 ? answer.output
                                 : fmt::format("(exit {}) {}", answer.exit_status, answer.output);
}

ProbeSearch::ProbeSearch(const History& history, const SearchOptions& options,
                         const VersionHistory& promises, Collector* collector, SearchResult* result)
    : history_(history),
      trace_(history.trace()),
      options_(options),
      promises_(promises),
      collector_(collector),
      result_(result) {}

Status ProbeSearch::Learn() {
  if (View()) RETURN_IF_ERROR(LearnVersions());
  if (Check()) RETURN_IF_ERROR(CheckEndpoints());
  return {};
}

Status ProbeSearch::JudgeStates(
    const std::vector<CrashState>& states,
    const std::function<void(const Violation&, const CrashState&)>& visit) {
  RETURN_IF_ERROR(AnswerAll(states));
  for (const CrashState& state : states) {
    for (const Violation& violation :
         Judge(answers_.at(KeyFor(state, state.last_point)), state.last_point))
      visit(violation, state);
  }
  return {};
}

Status ProbeSearch::RunAll() {
  // A state is visited for each profile that allows it; the command runs once.
  collector_->StartSubject(subject_, &promises_, everything_);
  for (const auto& [profile, pedantic] : ProfilesToExplore(options_)) {
    std::vector<CrashState> states;
    const Coverage coverage = ForEachCrashState(history_, *profile, everything_, options_.limits,
                                                [&](const CrashState& state) {
                                                  states.push_back(state);
                                                  return true;
                                                });
    AddCoverage(coverage, *profile, pedantic, result_);
    RETURN_IF_ERROR(AnswerAll(states));
    for (const CrashState& state : states) {
      for (const Violation& violation :
           Judge(answers_.at(KeyFor(state, state.last_point)), state.last_point))
        collector_->Add(violation, state, *profile, pedantic);
    }
  }
  result_->coverage.states_distinct += answers_.size();
  return {};
}

ProbeContext ProbeSearch::ContextAt(uint32_t point) const {
  ProbeContext context;
  context.acked =
      static_cast<uint32_t>(std::count_if(promises_.acks.begin(), promises_.acks.end(),
                                          [&](const Ack& ack) { return ack.point <= point; }));
  for (uint32_t i = 0; i < point && i < trace_.ops.size(); ++i) {
    const Op& op = trace_.ops[i];
    if (op.kind == OpKind::kOutput && op.error == 0 && op.name == "stdout")
      context.printed += trace_.Payload(op);
  }
  return context;
}

Result<ProbeAnswer> ProbeSearch::Ask(const Probe& probe, const FileTree& tree,
                                     uint32_t point) const {
  return probe(WithoutVolatile(tree, options_.volatile_globs), ContextAt(point));
}

// The view of old, of new, and of what the page cache showed at each acknowledgement.
Status ProbeSearch::LearnVersions() {
  const auto points = static_cast<uint32_t>(trace_.ops.size());
  const auto learn = [&](const FileTree& tree, uint32_t point) -> Status {
    std::string first;
    for (int round = 0; round < 2; ++round) {
      ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(View(), tree, point));
      if (round == 0) {
        first = ShowAnswer(answer);
      } else if (ShowAnswer(answer) != first) {
        return FailWith(
            ExitCode::kUsage,
            "--view prints {} and then {} on the same state: it must print the same each time",
            Quote(first), Quote(ShowAnswer(answer)));
      }
    }
    versions_.push_back({point, first});
    return {};
  };
  RETURN_IF_ERROR(learn(trace_.old_tree, 0));
  LiveTree live(trace_);
  const auto& acks = promises_.acks;
  for (uint32_t i = 0, next = 0; i <= points; ++i) {
    for (; next < acks.size() && acks[next].point == i; ++next)
      RETURN_IF_ERROR(learn(live.tree(), i));
    if (i < points) live.Apply(trace_.ops[i]);
  }
  RETURN_IF_ERROR(learn(live.tree(), points));
  if (versions_.front().output == versions_.back().output) {
    result_->notes.push_back(
        "--view prints the same for the old and the new state: only other output would be noticed");
  }
  return {};
}

Status ProbeSearch::CheckEndpoints() {
  const auto points = static_cast<uint32_t>(trace_.ops.size());
  for (const auto& [tree, name, point] :
       {std::tuple{&trace_.old_tree, "old", 0u}, std::tuple{&trace_.new_tree, "new", points}}) {
    ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(Check(), *tree, point));
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
Digest ProbeSearch::KeyFor(const CrashState& state, uint32_t point) const {
  if (!Check()) return state.digest;
  const ProbeContext context = ContextAt(point);
  return Hasher().Add(state.digest).Add(context.acked).Add(context.printed).Finish();
}

Result<ProbeSearch::Answers> ProbeSearch::AskBoth(const ProbeSet& probes, const CrashState& state,
                                                  uint32_t point) const {
  Answers answers;
  if (probes.view) {
    ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(probes.view, state.tree, point));
    answers.view = ShowAnswer(answer);
  }
  if (probes.check) {
    ASSIGN_OR_RETURN(answers.check, Ask(probes.check, state.tree, point));
  }
  return answers;
}

// One command run for each state not seen before, side by side.
Status ProbeSearch::AnswerAll(const std::vector<CrashState>& states) {
  std::vector<std::pair<Digest, const CrashState*>> todo;
  std::unordered_set<Digest> chosen;
  for (const CrashState& state : states) {
    const Digest key = KeyFor(state, state.last_point);
    if (!answers_.contains(key) && chosen.insert(key).second) todo.emplace_back(key, &state);
  }
  std::vector<Result<Answers>> results(todo.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto work = [&](const ProbeSet& probes) {
    for (size_t i = next++; i < todo.size() && !failed; i = next++) {
      results[i] = AskBoth(probes, *todo[i].second, todo[i].second->last_point);
      if (!results[i]) failed = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(options_.probes.size(), todo.size()); ++i) {
    threads.emplace_back(work, std::cref(options_.probes[i]));
  }
  work(options_.probes[0]);
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < todo.size(); ++i) {
    if (!results[i]) return tl::unexpected(results[i].error());
    answers_.emplace(todo[i].first, std::move(*results[i]));
  }
  return {};
}

std::vector<Violation> ProbeSearch::Judge(const Answers& answers, uint32_t point) const {
  std::vector<Violation> out;
  const std::string where = ".";
  if (Check() && answers.check.exit_status != 0 && Asked(options_, Oracle::kCheck))
    out.push_back({Oracle::kCheck, Outcome::kRejectedByCheck, where, answers.check.output, -1});
  if (!View()) return out;
  const auto shown_by = [&](uint32_t after) {
    return std::any_of(versions_.begin(), versions_.end(), [&](const ViewVersion& v) {
      return v.output == answers.view && (after == 0 || v.point >= after);
    });
  };
  if (!shown_by(0)) {
    if (Asked(options_, Oracle::kAtomic))
      out.push_back({Oracle::kAtomic, Outcome::kUnlikeAnyVersion, where, answers.view, -1});
    return out;
  }
  int promise = -1;
  for (size_t i = 0; i < promises_.acks.size(); ++i) {
    if (promises_.acks[i].point <= point) promise = static_cast<int>(i);
  }
  if (promise >= 0 && !shown_by(promises_.acks[static_cast<size_t>(promise)].point) &&
      Asked(options_, Oracle::kDurable))
    out.push_back({Oracle::kDurable, Outcome::kOldAfterAck, where, answers.view, promise});
  return out;
}

RepairTest ProbeSearch::Test(const std::vector<const Profile*>& profiles, const Finding& finding) {
  return [this, profiles, &finding](const RepairedTrace& repaired) {
    return Gone(repaired, profiles, finding);
  };
}

bool ProbeSearch::Gone(const RepairedTrace& repaired, const std::vector<const Profile*>& profiles,
                       const Finding& finding) {
  const History history(repaired.trace, options_.limits.grain);
  for (const Profile* profile : profiles) {
    const auto& reachable = finding.profiles;
    if (std::find(reachable.begin(), reachable.end(), profile->name) == reachable.end()) continue;
    bool found = false;
    const Coverage coverage = ForEachCrashState(
        history, *profile, everything_, options_.limits, [&](const CrashState& state) {
          const uint32_t point = repaired.RecordedBefore(state.last_point);
          const Digest key = KeyFor(state, point);
          auto known = answers_.find(key);
          if (known == answers_.end()) {
            auto asked = AskBoth(options_.probes[0], state, point);
            found = !asked.has_value();  // No answer is no cure.
            if (found) return false;
            known = answers_.emplace(key, std::move(*asked)).first;
          }
          for (const Violation& violation : Judge(known->second, point)) {
            // What was acknowledged must be there whole.
            const bool half = finding.oracle == Oracle::kDurable &&
                              violation.oracle == Oracle::kAtomic && ContextAt(point).acked > 0;
            found |= violation.oracle == finding.oracle || half;
          }
          return !found;
        });
    if (found || !coverage.exhaustive) return false;
  }
  return true;
}

}  // namespace oldornew
