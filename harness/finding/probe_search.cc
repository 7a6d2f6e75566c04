#include "finding/probe_search.h"

#include <algorithm>
#include <unordered_map>

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
    if (options_.view) RETURN_IF_ERROR(LearnVersions());
    if (options_.check) RETURN_IF_ERROR(CheckEndpoints());
    // A state is visited for each profile that allows it; the command runs once.
    const Subject subject{".", {{0, ""}}, true};
    const Projection everything{{""}};
    collector_->StartSubject(subject, promises_, everything);
    for (const auto* list : {&options_.profiles, &options_.pedantic}) {
      for (const Profile* profile : *list) {
        const Coverage coverage =
            ForEachCrashState(trace_, *profile, everything, options_.limits, [&](const CrashState& state) {
              status_ = JudgeOne(state, *profile, list == &options_.pedantic);
              return status_.has_value();
            });
        RETURN_IF_ERROR(status_);
        AddCoverage(coverage, &result_->coverage);
      }
    }
    result_->coverage.states_distinct += answers_.size();
    return {};
  }

 private:
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
        ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(options_.view, tree, point));
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
      ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(options_.check, *tree, point));
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

  Result<Answers> AnswersFor(const CrashState& state) {
    // The check may look at OLDORNEW_ACKED and OLDORNEW_STDOUT: the same tree is asked again when those
    // differ.
    const ProbeContext context = ContextAt(state.last_point);
    const Digest key = Hasher()
                           .Add(state.digest)
                           .Add(options_.check ? context.acked : 0)
                           .Add(options_.check ? context.printed : "")
                           .Finish();
    const auto known = answers_.find(key);
    if (known != answers_.end()) return known->second;
    Answers answers;
    if (options_.view) {
      ASSIGN_OR_RETURN(const ProbeAnswer answer, Ask(options_.view, state.tree, state.last_point));
      answers.view = Shown(answer);
    }
    if (options_.check) {
      ASSIGN_OR_RETURN(answers.check, Ask(options_.check, state.tree, state.last_point));
    }
    answers_.emplace(key, answers);
    return answers;
  }

  bool Expected(Oracle oracle) const {
    return std::find(options_.expect.begin(), options_.expect.end(), oracle) != options_.expect.end();
  }

  Status JudgeOne(const CrashState& state, const Profile& profile, bool pedantic) {
    ASSIGN_OR_RETURN(const Answers answers, AnswersFor(state));
    const std::string where = ".";
    if (options_.check && answers.check.exit_status != 0 && Expected(Oracle::kCheck)) {
      collector_->Add({Oracle::kCheck, Outcome::kRejectedByCheck, where, answers.check.output, -1}, state,
                      profile, pedantic);
    }
    if (!options_.view) return {};
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
      return {};
    }
    int promise = -1;
    for (size_t i = 0; i < acks_.size(); ++i) {
      if (acks_[i].point <= state.last_point) promise = static_cast<int>(i);
    }
    if (promise >= 0 && !shown_by(acks_[static_cast<size_t>(promise)].point) && Expected(Oracle::kDurable)) {
      collector_->Add({Oracle::kDurable, Outcome::kOldAfterAck, where, answers.view, promise}, state, profile,
                      pedantic);
    }
    return {};
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
  Status status_;
};

}  // namespace

Status SearchWithProbes(const Trace& trace, const SearchOptions& options, const VersionHistory& promises,
                        Collector* collector, SearchResult* result) {
  return ProbeSearch(trace, options, promises, collector, result).RunAll();
}

}  // namespace oldornew
