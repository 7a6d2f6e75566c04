// RealiseChoice: from the text of a choice back to the state. The text names metadata by segment,
// cut and slot version, and data by object, size and unit; crash_states.cc writes it (PartText).
// Everything is checked: the text may come from a file.
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/text.h"
#include "model/crash_states.h"
#include "model/pictures.h"

namespace oldornew {

FileTree EmptyRoots(const Trace& trace);
CrashState NothingLeft(const Trace& trace, uint32_t point);
std::vector<size_t> JudgedDevices(const History& history);

namespace {

struct DataChoice {
  uint32_t size = 0;
  std::vector<std::pair<uint32_t, uint32_t>> units;
};

struct PartChoice {
  MetaId id;
  std::map<ObjectId, DataChoice> data;
  std::map<ObjectId, uint32_t> attributes;
};

struct Parsed {
  Grain grain = Grain::kCall;
  bool nothing = false;
  uint32_t order = 0;
  uint32_t point = 0;
  std::vector<PartChoice> parts;
};

template <typename Number>
bool ReadNumber(std::string_view* text, Number* out) {
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *out);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

bool ReadChar(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

bool ParseField(std::string_view field, Parsed* out) {
  if (field.empty()) return false;
  const char kind = field[0];
  field.remove_prefix(1);
  if (kind == 'o') return ReadNumber(&field, &out->order) && field.empty();
  if (kind == 'p') return ReadNumber(&field, &out->point) && field.empty();
  if (kind == 's') {
    MetaId id;
    if (!ReadNumber(&field, &id.segment) || !ReadChar(&field, 'c') || !ReadNumber(&field, &id.cut))
      return false;
    id.in_flight = ReadChar(&field, 'f');
    out->parts.emplace_back().id = id;
    return field.empty();
  }
  if (out->parts.empty()) return false;
  PartChoice& part = out->parts.back();
  size_t key = 0;
  uint32_t value = 0;
  if (!ReadNumber(&field, &key) || !ReadChar(&field, '=') || !ReadNumber(&field, &value))
    return false;
  if (kind == 'n') {
    part.id.slots.emplace_back(key, value);
  } else if (kind == 'a') {
    part.attributes[static_cast<ObjectId>(key)] = value;
  } else if (kind == 'd') {
    DataChoice& data = part.data[static_cast<ObjectId>(key)];
    data.size = value;
    while (ReadChar(&field, ',')) {
      std::pair<uint32_t, uint32_t> unit;
      if (!ReadNumber(&field, &unit.first) || !ReadChar(&field, ':') ||
          !ReadNumber(&field, &unit.second))
        return false;
      if (!data.units.empty() && data.units.back().first >= unit.first) return false;
      data.units.push_back(unit);
    }
  } else {
    return false;
  }
  return field.empty();
}

std::optional<Parsed> Parse(std::string_view text) {
  Parsed out;
  const std::vector<std::string> fields = Split(text, '.');
  if (fields[0] == "nothing") {
    out.nothing = true;
  } else if (fields[0] == "page") {
    out.grain = Grain::kPage;
  } else if (fields[0] == "sector") {
    out.grain = Grain::kSector;
  } else if (fields[0] != "call") {
    return std::nullopt;
  }
  for (size_t i = 1; i < fields.size(); ++i) {
    if (!ParseField(fields[i], &out)) return std::nullopt;
  }
  return out;
}

tl::unexpected<Error> DoesNotFit(std::string_view choice, std::string_view why) {
  return FailWith(ExitCode::kUsage,
                  "crash state '{}' does not belong to this recording and profile: {}", choice,
                  why);
}

// Puts what the text says about each dimension on the picture. The text may be silent on an dimension: then
// nothing of it is lost.
std::optional<DimensionChoices> ChoicesFor(const Picture& picture, const PartChoice& part) {
  DimensionChoices choices;
  for (uint32_t a = 0; a < picture.dimensions.size(); ++a) {
    const Dimension& dimension = picture.dimensions[a];
    if (dimension.file == nullptr) {
      auto said = part.attributes.find(dimension.object);
      if (said == part.attributes.end()) continue;
      if (said->second >= dimension.count()) return std::nullopt;
      choices.emplace_back(a, said->second);
      continue;
    }
    auto said = part.data.find(dimension.object);
    if (said == part.data.end()) continue;
    const auto index = dimension.file->Find(said->second.size, said->second.units);
    if (!index) return std::nullopt;
    choices.emplace_back(a, *index);
  }
  return choices;
}

// `parsed` fits the trace; the grain is that of the history.
Result<CrashState> RealiseParsed(const History& history, const Profile& profile,
                                 std::string_view choice, const std::optional<Parsed>& parsed,
                                 const Projection& projection) {
  const Trace& trace = history.trace();
  const std::vector<size_t> devices = JudgedDevices(history);
  if (parsed->order >= history.orders()) return DoesNotFit(choice, "no such order of ops");
  if (parsed->parts.size() != devices.size())
    return DoesNotFit(choice, "another number of file systems");
  CrashState state;
  state.tree = EmptyRoots(trace);
  state.choice = state.late_choice = std::string(choice);
  state.last_point = UINT32_MAX;
  Sum key;
  for (size_t d = 0; d < devices.size(); ++d) {
    const Timeline& timeline = *history.timelines()[parsed->order][devices[d]];
    const PartChoice& part = parsed->parts[d];
    for (const auto& [object, data] : part.data) {
      if (timeline.File(object) == nullptr)
        return DoesNotFit(choice, "a file that was never written");
    }
    // The choice itself is added to the list of a file's choices if the list does not reach so far:
    // see FileDomain::Find.
    Pictures pictures(timeline, profile, projection, parsed->grain, 1);
    if (!pictures.metas().Fits(part.id)) return DoesNotFit(choice, "no such choice of metadata");
    const Segment& segment = timeline.segments()[part.id.segment];
    MetaChoice meta;
    meta.id = part.id;
    meta.first_point = part.id.in_flight ? segment.last_point : segment.first_point;
    meta.last_point = segment.last_point;
    Picture picture = pictures.One(meta);
    if (!picture.view.valid) return DoesNotFit(choice, "a directory with two parents");
    pictures.List(1);
    const std::optional<DimensionChoices> choices = ChoicesFor(picture, part);
    if (!choices) return DoesNotFit(choice, "no such content");
    std::vector<uint32_t> full(picture.dimensions.size(), 0);
    for (auto [a, index] : *choices) full[a] = index;
    key += picture.Key(full);
    for (uint32_t a = 0; a < full.size(); ++a)
      state.deviations += picture.dimensions[a].weight(full[a]);
    const MetaState names = pictures.metas().Expand(part.id);
    AddToTree(picture, names, *choices, &state.tree);
    Explain(picture, names, *choices, projection, parsed->point, &state.lost, &state.named_by);
    state.last_point = std::min(state.last_point, meta.last_point);
  }
  state.first_point = parsed->point;
  state.last_point = std::max(state.first_point, state.last_point);
  state.points = {{state.first_point, state.last_point}};
  state.digest = {key.high, key.low};
  std::sort(state.lost.begin(), state.lost.end(),
            [](const Effect& a, const Effect& b) { return a.op < b.op; });
  std::sort(state.named_by.begin(), state.named_by.end());
  return state;
}

Status CheckParsed(const std::optional<Parsed>& parsed, const Trace& trace, const Profile& profile,
                   std::string_view choice) {
  if (!parsed || parsed->point > trace.ops.size()) return DoesNotFit(choice, "it cannot be read");
  if (parsed->nothing != (profile.after_crash == AfterCrash::kEmpty))
    return DoesNotFit(choice, "another profile wrote it");
  return {};
}

}  // namespace

Result<CrashState> RealiseChoice(const Trace& trace, const Profile& profile,
                                 std::string_view choice, const Projection& projection) {
  const std::optional<Parsed> parsed = Parse(choice);
  RETURN_IF_ERROR(CheckParsed(parsed, trace, profile, choice));
  if (parsed->nothing) return NothingLeft(trace, parsed->point);
  return RealiseParsed(History(trace, parsed->grain), profile, choice, parsed, projection);
}

Result<CrashState> RealiseChoice(const History& history, const Profile& profile,
                                 std::string_view choice, const Projection& projection) {
  const std::optional<Parsed> parsed = Parse(choice);
  RETURN_IF_ERROR(CheckParsed(parsed, history.trace(), profile, choice));
  if (parsed->nothing) return NothingLeft(history.trace(), parsed->point);
  if (parsed->grain != history.grain()) return DoesNotFit(choice, "it is of another grain");
  return RealiseParsed(history, profile, choice, parsed, projection);
}

}  // namespace oldornew
