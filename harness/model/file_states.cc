#include "model/file_states.h"

#include <algorithm>
#include <map>

#include "model/cell_contents.h"
#include "model/ordered_contents.h"
#include "model/page_forms.h"

namespace oldornew {
namespace {

// How version `version` of a page stands in this form: 0 not at all, 1 in part, 2 fully.
int Landed(const UnitOption& option, uint32_t version) {
  switch (option.form) {
    case UnitOption::Form::kPattern:
      return 0;
    case UnitOption::Form::kTorn:
      return version <= option.under ? 2 : version <= option.version ? 1 : 0;
    case UnitOption::Form::kVersion:
      return version <= option.version ? 2 : 0;
  }

  return 0;
}

}  // namespace

DomainKey KeyOf(const FileHistory& file, ObjectId object, const FileQuery& query) {
  auto last = [&](Position pos) {
    auto after = std::upper_bound(file.events.begin(), file.events.end(), pos);
    return after == file.events.begin() ? Position{0} : *std::prev(after);
  };

  uint32_t forces = 0;
  for (const DataForce& force : file.forces) forces += force.segment <= query.segment;
  return {object, last(query.cut), last(query.horizon), forces};
}

FileDomain::FileDomain(const FileHistory& file, ObjectId object, const Profile& profile,
                       const FileQuery& query, Grain grain)
    : file_(file),
      object_(object),
      query_(query),
      independent_cells_(profile.meta_order == MetaOrder::kNone) {
  Contents contents = independent_cells_ ? CellContents(file_, object_, profile, query_, grain)
                                         : OrderedContents(file_, object_, profile, query_, grain);
  sizes_ = std::move(contents.sizes);
  complete_ = contents.complete;

  for (const SizeChoice& size : sizes_) {
    uint64_t product = 1;
    for (const Unit& unit : size.units) product = SaturatingMultiply(product, unit.options.size());
    total_ = SaturatingAdd(total_, product);
  }
}

// Works out key, weight and position from the size and the units that deviate.
ContentChoice FileDomain::Finish(ContentChoice choice) const {
  const SizeChoice& size = sizes_[choice.size];
  choice.weight = size.weight;
  choice.key = size.default_key;
  choice.pos = size.pos;
  auto deviation = choice.deviating.begin();
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    const Unit& unit = size.units[u];
    const UnitOption* option = &unit.options[0];
    if (deviation != choice.deviating.end() && deviation->first == u) {
      option = &unit.options[(deviation++)->second];
      choice.key -= unit.options[0].key;
      choice.key += option->key;
      choice.weight += option->weight;
    }

    choice.pos = std::max(choice.pos, option->pos);
  }

  return choice;
}

std::optional<uint32_t> FileDomain::Find(
    uint32_t size, const std::vector<std::pair<uint32_t, uint32_t>>& deviating) const {
  if (size >= sizes_.size()) return std::nullopt;
  for (auto [unit, option] : deviating) {
    if (unit >= sizes_[size].units.size() || option >= sizes_[size].units[unit].options.size())
      return std::nullopt;
  }

  for (uint32_t i = 0; i < choices_.size(); ++i) {
    if (choices_[i].size == size && choices_[i].deviating == deviating) return i;
  }

  // A list that a bound cut short need not have it.
  ContentChoice choice;
  choice.size = size;
  choice.deviating = deviating;
  choices_.push_back(Finish(std::move(choice)));
  return static_cast<uint32_t>(choices_.size() - 1);
}

// Lists the choices of one size that have exactly `weight`: picks the next unit that deviates until
// the weight is used up.
void FileDomain::ListSize(uint32_t size_index, uint32_t weight, uint64_t limit) {
  const SizeChoice& size = sizes_[size_index];
  std::vector<uint32_t> open;  // units that have a choice
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    if (size.units[u].options.size() > 1) open.push_back(u);
  }

  ContentChoice choice;
  choice.size = size_index;
  auto pick = [&](auto&& self, size_t from, uint32_t left) -> void {
    if (choices_.size() >= limit) return;
    if (left == 0) {
      choices_.push_back(Finish(choice));
      return;
    }
    for (size_t i = from; i < open.size(); ++i) {
      const Unit& unit = size.units[open[i]];
      for (uint32_t o = 1; o < unit.options.size(); ++o) {
        if (unit.options[o].weight > left) continue;
        choice.deviating.emplace_back(open[i], o);
        self(self, i + 1, left - unit.options[o].weight);
        choice.deviating.pop_back();
      }
    }
  };

  pick(pick, 0, weight - size.weight);
}

void FileDomain::List(uint64_t limit) {
  if (!choices_.empty()) return;
  uint32_t heaviest = 0;
  for (const SizeChoice& size : sizes_) heaviest = std::max(heaviest, size.max_weight);

  for (uint32_t weight = 0; weight <= heaviest && choices_.size() < total_; ++weight) {
    for (uint32_t s = 0; s < sizes_.size(); ++s) {
      if (sizes_[s].weight > weight || sizes_[s].max_weight < weight) continue;
      ListSize(s, weight, limit);
      if (choices_.size() >= limit && choices_.size() < total_) {
        complete_ = false;
        return;
      }
    }
  }
}

Content FileDomain::Render(const ContentChoice& choice) const {
  const SizeChoice& size = sizes_[choice.size];
  const uint64_t page_count = (size.size + kPageSize - 1) / kPageSize;
  std::vector<PageRef> pages(page_count);
  const auto& base = file_.base.pages();
  for (uint64_t page = 0; page < std::min<uint64_t>(page_count, base.size()); ++page) {
    if (!file_.pages.count(page)) pages[page] = base[page];
  }

  auto deviation = choice.deviating.begin();
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    const Unit& unit = size.units[u];
    uint32_t option = 0;
    if (deviation != choice.deviating.end() && deviation->first == u)
      option = (deviation++)->second;
    for (uint64_t page : unit.pages)
      pages[page] = RenderPage(file_, object_, unit, unit.options[option], page, size.size);
  }

  return Content::FromPages(std::move(pages), size.size);
}

void FileDomain::ForEachPageEffect(
    const ContentChoice& choice, Position horizon,
    const std::function<void(uint32_t, uint64_t, int)>& visit) const {
  const SizeChoice& size = sizes_[choice.size];
  std::map<uint64_t, std::pair<const Unit*, const UnitOption*>> shown;
  for (const Unit& unit : size.units) {
    for (uint64_t page : unit.pages) shown[page] = {&unit, &unit.options[0]};
  }
  for (auto [u, o] : choice.deviating) {
    for (uint64_t page : size.units[u].pages) shown[page].second = &size.units[u].options[o];
  }

  for (const auto& [page, lives] : file_.pages) {
    const auto entry = shown.find(page);
    uint32_t before = 0;  // values of the cell before this life's first version
    for (size_t i = 0; i < lives.size(); ++i) {
      const PageLife& life = lives[i];
      before += independent_cells_ && life.mapped && life.born > 0;
      const bool here =
          entry != shown.end() && (independent_cells_ || entry->second.first->life == i);
      for (uint32_t v = 1; v <= life.versions.size(); ++v) {
        const PageVersion& version = life.versions[v - 1];
        if (version.pos > horizon) break;
        int landed = here ? Landed(*entry->second.second, before + v) : 0;
        if (here && landed == 2 && version.end > size.size) landed = 1;

        // dropped on disk: nothing to miss
        if (!independent_cells_ && life.dies <= query_.cut) landed = 2;
        visit(version.op, page, landed);
      }

      before += static_cast<uint32_t>(life.versions.size()) + (life.dies != kNeverDies);
    }
  }
}

}  // namespace oldornew
