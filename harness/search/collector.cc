#include "search/collector.h"

#include <algorithm>

#include "finding/words.h"
#include "oracle/path_patterns.h"

namespace oldornew {

void AddCoverage(const Coverage& coverage, const Profile& profile, bool pedantic,
                 SearchResult* result) {
  Coverage& sum = result->coverage;
  sum.crash_points = coverage.crash_points;
  sum.orders = std::max(sum.orders, coverage.orders);
  if (pedantic && !coverage.exhaustive) {
    const std::string note =
        fmt::format("{}, explored as a hint, has more states than were visited", profile.name);
    auto& notes = result->notes;
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    sum.states_visited += coverage.states_visited;
    sum.states_total += std::min(coverage.states_visited, UINT64_MAX - sum.states_total);
    return;
  }
  sum.states_visited += coverage.states_visited;
  sum.states_total += std::min(coverage.states_total, UINT64_MAX - sum.states_total);
  sum.exhaustive = sum.exhaustive && coverage.exhaustive;
}

CaseSize SizeOf(const Trace& trace, Oracle oracle, const CrashState& state) {
  CaseSize size{0, state.first_point, 0, state.deviations};
  // What a broken promise lacks is what is lost late, after the promise: state.lost does not say
  // it.
  if (oracle == Oracle::kDurable) return {state.deviations, 0, 0, 0};
  for (const Effect& effect : LostThatMatters(trace, oracle, state.lost)) {
    ++size.lost;
    size.partly += effect.extent != Effect::Extent::kWhole;
  }
  return size;
}

void Collector::Add(const StateJudge& judge, const Violation& violation, const CrashState& state,
                    const Profile& profile, bool pedantic) {
  const std::string& name = judge.subject().name;
  const auto [position, fresh] = entries_.try_emplace({name, violation.oracle});
  Entry& entry = position->second;
  Finding& finding = entry.finding;
  finding.oracle = violation.oracle;
  finding.outcomes[violation.outcome].push_back(profile.name);
  finding.profiles.push_back(profile.name);

  const bool durable = violation.oracle == Oracle::kDurable;
  const Rank rank{pedantic, !profile.mainstream, SizeOf(trace_, violation.oracle, state)};
  if (!fresh && !(rank < entry.rank)) return;

  entry.rank = rank;
  entry.ack = violation.ack;
  entry.judge = &judge;
  entry.profile = &profile;
  entry.choice = durable ? state.late_choice : state.choice;
  finding.pedantic = pedantic;
  finding.subjects = {{name, violation.at, {}, {}, {}}};
  ShownCase& shown = finding.shown;
  shown.outcome = violation.outcome;
  shown.evidence = violation.evidence;
  shown.first_point = state.first_point;
  shown.last_point = state.last_point;
  shown.lost = state.lost;
  shown.on_disk = state.named_by;
}

void Collector::Finish(Entry* entry) {
  Finding& finding = entry->finding;
  for (auto& [outcome, profiles] : finding.outcomes) profiles = InTableOrder(std::move(profiles));
  finding.profiles = InTableOrder(std::move(finding.profiles));

  // oracles.md 16
  const bool warning = finding.oracle == Oracle::kAttrs ||
                       (finding.oracle == Oracle::kDurable && !question_.durable_is_error);
  finding.severity = warning ? Severity::kWarning : Severity::kError;

  ShownCase& shown = finding.shown;
  shown.which = CaseOf(trace_, PowerCut{entry->profile->name, entry->choice});
  const VersionHistory& history = entry->judge->history();
  if (finding.oracle == Oracle::kDurable) {
    // What is lost matters at the late point, after the promise; the early one may lack nothing at
    // all.
    if (const auto late =
            RealiseChoice(model_, *entry->profile, entry->choice, entry->judge->projection())) {
      shown.lost = late->lost;
      shown.on_disk = late->named_by;
    }
    if (entry->ack >= 0) {
      shown.first_point =
          std::max(shown.first_point, history.acks[static_cast<size_t>(entry->ack)].point);
    }
  }
  shown.lost = LostThatMatters(trace_, finding.oracle, std::move(shown.lost));

  const size_t explored = space_.profiles.size() + space_.pedantic.size();
  finding.message = DescribeCase(trace_, &history, entry->ack, explored, finding);
  FindingSubject& subject = finding.subjects.front();
  subject.outcomes = finding.outcomes;
  subject.token = finding.token();
  subject.stable_path = SubjectPattern(trace_, subject.path);
}

std::vector<Finding> Collector::Take() {
  std::vector<Finding> out;
  for (auto& [key, entry] : entries_) {
    Finish(&entry);
    out.push_back(std::move(entry.finding));
  }
  entries_.clear();
  return out;
}

}  // namespace oldornew
