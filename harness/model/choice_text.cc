#include "model/choice_text.h"

#include <charconv>

#include "base/text.h"

namespace oldornew {
namespace {

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

// ",UNIT:OPTION,..." in ascending order of units.
bool ReadUnits(std::string_view* field, DataChoice* data) {
  while (ReadChar(field, ',')) {
    std::pair<uint32_t, uint32_t> unit;
    if (!ReadNumber(field, &unit.first) || !ReadChar(field, ':') ||
        !ReadNumber(field, &unit.second))
      return false;
    if (!data->units.empty() && data->units.back().first >= unit.first) return false;
    data->units.push_back(unit);
  }

  return true;
}

// A field of the part that is open: a name, a file's data, attributes.
bool ParsePartField(char kind, std::string_view field, PartChoice* part) {
  size_t key = 0;
  uint32_t value = 0;
  if (!ReadNumber(&field, &key) || !ReadChar(&field, '=') || !ReadNumber(&field, &value))
    return false;

  if (kind == 'n') {
    part->id.slots.emplace_back(key, value);
  } else if (kind == 'a') {
    part->attributes[static_cast<ObjectId>(key)] = value;
  } else if (kind == 'd') {
    DataChoice& data = part->data[static_cast<ObjectId>(key)];
    data.size = value;
    if (!ReadUnits(&field, &data)) return false;
  } else {
    return false;
  }
  return field.empty();
}

bool ParseField(std::string_view field, ChoiceText* out) {
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

  return !out->parts.empty() && ParsePartField(kind, field, &out->parts.back());
}

}  // namespace

std::string ChoiceHead(Grain grain, uint32_t order, uint32_t point) {
  return fmt::format("{}.o{}.p{}", GrainName(grain), order, point);
}

std::string PartText(const Picture& picture, const Occurrence& occurrence,
                     const DimensionChoices& choices) {
  const MetaId& id = occurrence.id;
  std::string text = fmt::format(".s{}c{}{}", id.segment, id.cut, id.in_flight ? "f" : "");

  for (auto [slot, version] : id.slots) {
    const Slot& s = picture.timeline->slots()[slot];
    if (version != s.IndexAt(id.cut)) text += fmt::format(".n{}={}", slot, version);
  }

  for (auto [a, index] : choices) {
    const Dimension& dimension = picture.dimensions[a];
    if (dimension.file == nullptr) {
      text += fmt::format(".a{}={}", dimension.object, index);
      continue;
    }
    const ContentChoice& choice = dimension.file->choices()[index];
    text += fmt::format(".d{}={}", dimension.object, choice.size);
    for (auto [unit, option] : choice.deviating) text += fmt::format(",{}:{}", unit, option);
  }

  return text;
}

std::optional<ChoiceText> ParseChoice(std::string_view text) {
  ChoiceText out;
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

}  // namespace oldornew
