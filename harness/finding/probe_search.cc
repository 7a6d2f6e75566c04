#include "finding/probe_search.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace oldornew {

namespace {

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

class ProbeSearch {
 public:
  ProbeSearch(const Trace& trace, const SearchOptions& options, const VersionHistory& promises,
              Collector* collector, SearchResult* result)
      : trace_(trace),
        options_(options),
        collector_(collector),
        result_(result),
        acks_(promises.acks),
        promises_(&promises) {}

  Status RunAll() {
    if (View()) RETURN_IF_ERROR(LearnVersions());
    if (Check()) RETURN_IF_ERROR(CheckEndpoints());
    // A state is visited for each profile that allows it; the command runs once.
    const Subject subject{".", {{0, ""}}, true};
    const Projection everything{{""}};
    collector_->StartSubject(subject, promises_, everything);
    for (const auto* list : {&options_.profiles, &options_.pedantic}) {
      for (const Profile* profile : *list) {
        std::vector<CrashState> states;
        const Coverage coverage =
            ForEachCrashState(trace_, *profile, everything, options_.limits, [&](const CrashState& state) {
              states.push_back(state);
              return true;
            });
        AddCoverage(coverage, *profile, list == &options_.pedantic, result_);
        RETURN_IF_ERROR(AnswerAll(states));
        for (const CrashState& state : states) JudgeOne(state, *profile, list == &options_.pedantic);
      }
    }
    result_->coverage.states_distinct += answers_.size();
    return {};
  }

 private:
  const Probe& View() const { return options_.probes[0].view; }
  const Probe& Check() const { return options_.probes[0].check; }

  ProbeContext ContextAt(uint32_t point) const {
    ProbeContext context;
    context.acked = static_cast<uint32_t>(
        std::count_if(acks_.begin(), acks_.end(), [&](const Ack& ack) { return ack.point <= point; }));
    for (uint32_t i = 0; i < point && i < trace_.ops.size(); ++i) {
      const Op& op = trace_.ops[i];
      if (op.kind == OpKind::kOutput && op.error == 0 && op.name == "stdout")
        context.printed += trace_.Payload(op);
    }
    return context;
  }

  Result<ProbeAnswer> Ask(const Probe& probe, const FileTree& tree, uint32_t point) const {
    return probe(WithoutVolatile(tree, options_.volatile_globs), ContextAt(point));
  }

  static std::string Shown(const ProbeAnswer& answer) {
    return answer.exit_status == 0 ? answer.output
                                   : fmt::format("(exit {}) {}", answer.exit_status, answer.output);
  }

  // The view of old, of new, and of what the page cache showed at each acknowledgement.
  Status LearnVersions() {
    const auto points = static_cast<uint32_t>(trace_.ops.size());
    const auto learn = [&](const FileTree& tree, uint32_t point) -> Status {
      std::string first;
      for (int round = 0; round < 2; ++round) {
        ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(View(), tree, point));
        if (round == 0) {
          first = Shown(answer);
        } else if (Shown(answer) != first) {
          return FailWith(ExitCode::kUsage,
                          "--view prints {} and then {} on the same state: it must print the same each time",
                          Quote(first), Quote(Shown(answer)));
        }
      }
      versions_.push_back({point, first});
      return {};
    };
    RETURN_IF_ERROR(learn(trace_.old_tree, 0));
    LiveTree live(trace_);
    for (uint32_t i = 0, next = 0; i <= points; ++i) {
      for (; next < acks_.size() && acks_[next].point == i; ++next) RETURN_IF_ERROR(learn(live.tree(), i));
      if (i < points) live.Apply(trace_.ops[i]);
    }
    RETURN_IF_ERROR(learn(live.tree(), points));
    if (versions_.front().output == versions_.back().output) {
      result_->notes.push_back(
          "--view prints the same for the old and the new state: only other output would be noticed");
    }
    return {};
  }

  Status CheckEndpoints() {
    const auto points = static_cast<uint32_t>(trace_.ops.size());
    for (const auto& [tree, name, point] :
         {std::tuple{&trace_.old_tree, "old", 0u}, std::tuple{&trace_.new_tree, "new", points}}) {
      ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(Check(), *tree, point));
      if (answer.exit_status != 0) {
        return FailWith(ExitCode::kBaselineFailed, "--check rejects the {} state itself (exit {}): {}", name,
                        answer.exit_status, Quote(answer.output, 200));
      }
    }
    return {};
  }

  struct Answers {
    std::string view;
    ProbeAnswer check;
  };

  // The check may look at OLDORNEW_ACKED and OLDORNEW_STDOUT: the same tree is asked again when those differ.
  Digest KeyFor(const CrashState& state) const {
    if (!Check()) return state.digest;
    const ProbeContext context = ContextAt(state.last_point);
    return Hasher().Add(state.digest).Add(context.acked).Add(context.printed).Finish();
  }

  Result<Answers> AskBoth(const ProbeSet& probes, const CrashState& state) const {
    Answers answers;
    if (probes.view) {
      ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(probes.view, state.tree, state.last_point));
      answers.view = Shown(answer);
    }
    if (probes.check) {
      ASSIGN_OR_RETURN(answers.check, Ask(probes.check, state.tree, state.last_point));
    }
    return answers;
  }

  // One command run for each state not seen before, side by side.
  Status AnswerAll(const std::vector<CrashState>& states) {
    std::vector<std::pair<Digest, const CrashState*>> todo;
    std::unordered_set<Digest> chosen;
    for (const CrashState& state : states) {
      const Digest key = KeyFor(state);
      if (!answers_.contains(key) && chosen.insert(key).second) todo.emplace_back(key, &state);
    }
    std::vector<Result<Answers>> results(todo.size());
    std::atomic<size_t> next{0};
    std::atomic<bool> failed{false};
    const auto work = [&](const ProbeSet& probes) {
      for (size_t i = next++; i < todo.size() && !failed; i = next++) {
        results[i] = AskBoth(probes, *todo[i].second);
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

  bool Expected(Oracle oracle) const {
    return std::find(options_.expect.begin(), options_.expect.end(), oracle) != options_.expect.end();
  }

  void JudgeOne(const CrashState& state, const Profile& profile, bool pedantic) {
    const Answers& answers = answers_.at(KeyFor(state));
    const std::string where = ".";
    if (Check() && answers.check.exit_status != 0 && Expected(Oracle::kCheck)) {
      collector_->Add({Oracle::kCheck, Outcome::kRejectedByCheck, where, answers.check.output, -1}, state,
                      profile, pedantic);
    }
    if (!View()) return;
    const auto shown_by = [&](uint32_t after) {
      return std::any_of(versions_.begin(), versions_.end(), [&](const ViewVersion& v) {
        return v.output == answers.view && (after == 0 || v.point >= after);
      });
    };
    if (!shown_by(0)) {
      if (Expected(Oracle::kAtomic)) {
        collector_->Add({Oracle::kAtomic, Outcome::kUnlikeAnyVersion, where, answers.view, -1}, state,
                        profile, pedantic);
      }
      return;
    }
    int promise = -1;
    for (size_t i = 0; i < acks_.size(); ++i) {
      if (acks_[i].point <= state.last_point) promise = static_cast<int>(i);
    }
    if (promise >= 0 && !shown_by(acks_[static_cast<size_t>(promise)].point) && Expected(Oracle::kDurable)) {
      collector_->Add({Oracle::kDurable, Outcome::kOldAfterAck, where, answers.view, promise}, state, profile,
                      pedantic);
    }
  }

  struct ViewVersion {
    uint32_t point = 0;
    std::string output;
  };

  const Trace& trace_;
  const SearchOptions& options_;
  Collector* collector_;
  SearchResult* result_;
  std::vector<Ack> acks_;
  const VersionHistory* promises_;
  std::vector<ViewVersion> versions_;
  std::unordered_map<Digest, Answers> answers_;
};

}  // namespace

Status SearchWithProbes(const Trace& trace, const SearchOptions& options, const VersionHistory& promises,
                        Collector* collector, SearchResult* result) {
  return ProbeSearch(trace, options, promises, collector, result).RunAll();
}

}  // namespace oldornew
