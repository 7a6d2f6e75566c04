#include "finding/collector.h"

#include <algorithm>

#include "explore/case.h"

namespace oldornew {

std::vector<std::string> InTableOrder(std::vector<std::string> names) {
  const auto position = [](const std::string& name) {
    const auto& table = Profiles();
    return std::find_if(table.begin(), table.end(),
                        [&](const Profile& p) { return p.name == name; }) -
           table.begin();
  };
  std::sort(names.begin(), names.end(),
            [&](const auto& a, const auto& b) { return position(a) < position(b); });
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

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

namespace {

// Most oracles ask for bytes, kinds and targets (oracles.md 6): lost modes, owners, attributes and
// times are no part of it. The user's own commands may look at anything.
bool Matters(const Trace& trace, Oracle oracle, const Effect& effect) {
  const OpKind kind = trace.ops[effect.op].kind;
  if (kind == OpKind::kSetTimes) return false;
  return !ChangesAttributes(kind) || oracle == Oracle::kAttrs || oracle == Oracle::kCheck;
}

}  // namespace

std::vector<Effect> LostThatMatters(const Trace& trace, Oracle oracle, std::vector<Effect> lost) {
  std::erase_if(lost, [&](const Effect& effect) { return !Matters(trace, oracle, effect); });
  return lost;
}

CaseSize SizeOf(const Trace& trace, Oracle oracle, const CrashState& state) {
  CaseSize size{0, state.first_point, 0, state.deviations};
  // What a broken promise lacks is what is lost late, after the promise: state.lost does not say
  // it.
  if (oracle == Oracle::kDurable) return {state.deviations, 0, 0, 0};
  for (const Effect& effect : state.lost) {
    if (!Matters(trace, oracle, effect)) continue;
    ++size.lost;
    size.partly += effect.extent != Effect::Extent::kWhole;
  }
  return size;
}

std::vector<ProfileToExplore> ProfilesToExplore(const SearchOptions& options) {
  std::vector<ProfileToExplore> out;
  for (const Profile* profile : options.profiles) out.push_back({profile, false});
  for (const Profile* profile : options.pedantic) out.push_back({profile, true});
  return out;
}

void Collector::StartSubject(const Subject& subject, const VersionHistory* history,
                             const Projection& projection) {
  subject_ = &subject;
  history_ = history;
  projection_ = projection;
}

void Collector::Add(const Violation& violation, const CrashState& state, const Profile& profile,
                    bool pedantic) {
  const auto [position, fresh] = entries_.try_emplace({subject_->name, violation.oracle});
  Entry& entry = position->second;
  Finding& finding = entry.finding;
  finding.oracle = violation.oracle;
  finding.path = subject_->name;
  finding.outcomes[violation.outcome].push_back(profile.name);
  finding.profiles.push_back(profile.name);
  const bool durable = violation.oracle == Oracle::kDurable;
  const Rank rank{pedantic, !profile.mainstream, SizeOf(trace_, violation.oracle, state)};
  if (!fresh && !(rank < entry.rank)) return;
  entry.rank = rank;
  entry.ack = violation.ack;
  entry.history = history_;
  entry.projection = projection_;
  entry.profile = &profile;
  entry.choice = durable ? state.late_choice : state.choice;
  finding.pedantic = pedantic;
  finding.at = violation.at;
  finding.shown = violation.outcome;
  finding.profile = profile.name;
  finding.evidence = violation.evidence;
  finding.first_point = state.first_point;
  finding.last_point = state.last_point;
  finding.lost = state.lost;
  finding.on_disk = state.named_by;
}

void Collector::Finish(Entry* entry) {
  Finding& finding = entry->finding;
  for (auto& [outcome, profiles] : finding.outcomes) profiles = InTableOrder(std::move(profiles));
  finding.profiles = InTableOrder(std::move(finding.profiles));
  // oracles.md 16
  const bool warning = finding.oracle == Oracle::kAttrs ||
                       (finding.oracle == Oracle::kDurable && !options_.durable_is_error);
  finding.severity = warning ? Severity::kWarning : Severity::kError;
  finding.token = FormatToken({entry->profile->name, entry->choice, trace_.Identity().Short()});
  if (finding.oracle == Oracle::kDurable) {
    // What is lost matters at the late point, after the promise; the early one may lack nothing at
    // all.
    if (const auto late =
            RealiseChoice(model_, *entry->profile, entry->choice, entry->projection)) {
      finding.lost = late->lost;
      finding.on_disk = late->named_by;
    }
    if (entry->history != nullptr && entry->ack >= 0) {
      finding.first_point = std::max(finding.first_point,
                                     entry->history->acks[static_cast<size_t>(entry->ack)].point);
    }
  }
  finding.lost = LostThatMatters(trace_, finding.oracle, std::move(finding.lost));
  const size_t explored = options_.profiles.size() + options_.pedantic.size();
  DescribeCase(trace_, entry->history, entry->ack, explored, &finding);
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
