#include "report/explain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "cases/case.h"
#include "finding/source.h"
#include "finding/why.h"
#include "finding/window.h"
#include "finding/words.h"

namespace oldornew {

namespace {

constexpr size_t kWidth = 100;
constexpr size_t kMostCalls = 40;
constexpr const char* kDefaults =
    "These are the usual settings. A sync of anything else on the same file system can end such a "
    "time, or "
    "begin it.";

// A section: paragraphs, then lines that keep their form.
struct Section {
  std::string title;
  std::vector<std::string> paragraphs;
  std::vector<std::string> bullets;
  std::string listing;
  std::string language;  // of the listing, for Markdown
  std::string after;     // a last paragraph, behind the listing
};

std::string RenderText(const std::string& title, const std::vector<Section>& sections) {
  std::string out = Wrap(title, kWidth, "") + "\n";
  for (const Section& section : sections) {
    out += "\n" + section.title + "\n";
    for (const std::string& text : section.paragraphs)
      out += "  " + Wrap(text, kWidth - 2, "  ") + "\n";
    for (const std::string& text : section.bullets)
      out += "  - " + Wrap(text, kWidth - 4, "    ") + "\n";
    for (const std::string& line : Split(section.listing, '\n')) {
      if (!line.empty()) out += "  " + line + "\n";
    }
    if (!section.after.empty()) out += "  " + Wrap(section.after, kWidth - 2, "  ") + "\n";
  }
  return out;
}

// Characters that Markdown would take as its own. Names of files are bytes of strangers.
std::string Escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\`*_{}[]<>#|").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string RenderMarkdown(const std::string& title, const std::vector<Section>& sections) {
  std::string out = "# " + Escape(title) + "\n";
  for (const Section& section : sections) {
    out += "\n## " + section.title + "\n\n";
    for (const std::string& text : section.paragraphs) out += Escape(text) + "\n";
    if (!section.paragraphs.empty() && !section.bullets.empty()) out += "\n";
    for (const std::string& text : section.bullets) out += "- " + Escape(text) + "\n";
    if (!section.listing.empty()) {
      const bool first = section.paragraphs.empty() && section.bullets.empty();
      out += fmt::format("{}```{}\n{}```\n", first ? "" : "\n", section.language, section.listing);
    }
    if (!section.after.empty()) out += "\n" + Escape(section.after) + "\n";
  }
  return out;
}

std::string ProgramOf(const Trace& trace) {
  if (trace.command.empty()) return "the program";
  return trace.command[0].substr(trace.command[0].rfind('/') + 1);
}

class Explainer {
 public:
  Explainer(const ExplainInput& input, const CrashState& state)
      : trace_(*input.trace),
        finding_(*input.finding),
        subject_(*input.subject),
        input_(input),
        state_(state) {}

  std::vector<Section> Sections() const {
    std::vector<Section> out = {Meaning(), Calls()};
    if (auto stack = Stack()) out.push_back(*stack);
    if (auto contents = Contents()) out.push_back(*contents);
    out.push_back(Why());
    out.push_back(Cure());
    if (const auto windows = ExplainWindow(trace_, finding_); !windows.empty())
      out.push_back({"How long the danger lasts", {}, windows, "", "", kDefaults});
    out.push_back(FileSystems());
    if (finding_.subjects.size() > 1) out.push_back(Others());
    out.push_back(Again());
    return out;
  }

 private:
  static std::string Sentence(std::string text) {
    if (!text.empty())
      text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text + (text.empty() || text.back() == '.' ? "" : ".");
  }

  std::string Name() const { return finding_.path() == "." ? "the directory" : finding_.path(); }

  Section Meaning() const {
    const std::string program = ProgramOf(trace_);
    const std::string command = ShellQuote(trace_.command);
    Section section;
    section.title = "What this means";
    const std::string start = fmt::format("The program that was watched: {}.", command);
    std::string text;
    switch (finding_.oracle) {
      case Oracle::kPrivate:
        text = fmt::format(
            "While {} works, {} can be read by somebody whom neither the old nor the new {} lets "
            "read it.",
            program, finding_.at(), Name());
        break;
      case Oracle::kContained:
        text = fmt::format("{} changes something that is neither watched nor allowed to change.",
                           program);
        break;
      case Oracle::kDurable:
        text = fmt::format(
            "{} says that it is done. If the machine loses power after that, {} can be as it was "
            "before, as "
            "if the program had never run.",
            program, Name());
        break;
      case Oracle::kAttrs:
        text = fmt::format(
            "If the machine loses power while {} works, or soon after, {} can have its content and "
            "a mode, "
            "an owner or attributes that were never meant for it.",
            program, Name());
        break;
      default:
        if (finding_.shown.which.As<Kill>() != nullptr) {
          text = fmt::format(
              "If {} is killed while it works, {} is neither what it was before nor what it was to "
              "become, "
              "until "
              "something writes it again.",
              program, Name());
          break;
        }
        text = fmt::format(
            "If the machine loses power while {} works, or soon after, the file system comes back "
            "in order, "
            "but {} is neither what it was before nor what it was to become.",
            program, Name());
    }
    section.paragraphs = {start + " " + text};
    return section;
  }

  // Ops that have to do with the case: of the same objects, or syncs, acknowledgements and the end.
  std::set<uint32_t> Relevant() const {
    std::set<uint32_t> out;
    std::set<ObjectId> objects;
    for (const Effect& effect : finding_.shown.lost) out.insert(effect.op);
    out.insert(finding_.shown.on_disk.begin(), finding_.shown.on_disk.end());
    for (const auto& [op, remark] : finding_.shown.marks) out.insert(op);
    for (const RepairStep& step : finding_.repair.steps) out.insert(step.after);
    for (const uint32_t op : out) objects.insert(trace_.ops[op].object);
    objects.erase(kNoObject);
    for (uint32_t i = 0; i < trace_.ops.size(); ++i) {
      const Op& op = trace_.ops[i];
      const bool quiet = op.error != 0 || op.kind == OpKind::kSetTimes || op.kind == OpKind::kClose;
      if (quiet) continue;
      const bool said =
          op.kind == OpKind::kExit || (op.kind == OpKind::kOutput && op.name != "stderr");
      if (objects.contains(op.object) || said) out.insert(i);
    }
    std::erase_if(out, [&](uint32_t i) { return i >= trace_.ops.size(); });
    return out;
  }

  std::string MarkOf(uint32_t index) const {
    if (const auto mark = finding_.shown.marks.find(index); mark != finding_.shown.marks.end())
      return mark->second;
    for (size_t i = 0; i < finding_.shown.lost.size(); ++i) {
      const Effect& effect = finding_.shown.lost[i];
      if (effect.op != index) continue;
      std::string word = effect.extent == Effect::Extent::kWhole  ? "LOST"
                         : effect.extent == Effect::Extent::kPart ? "PARTLY LOST"
                                                                  : "TORN";
      if (!effect.detail.empty()) word += fmt::format(" ({})", effect.detail);
      if (i < finding_.shown.needed.size() && !finding_.shown.needed[i])
        word += ", does not matter here";
      return word;
    }
    if (finding_.IsLive()) return {};
    const Op& op = trace_.ops[index];
    if (index >= finding_.shown.first_point)
      return op.kind == OpKind::kExit ? "" : "not reached, or makes no difference";
    if (op.kind == OpKind::kOutput) return "said";
    if (op.kind == OpKind::kExit) return "ended";
    return IsSync(op.kind) ? "synced" : "on disk";
  }

  std::string CallLine(uint32_t index, size_t width, const std::string& mark) const {
    std::string line =
        fmt::format("{:>4}  {:<{}}  {}", index + 1, DescribeShort(trace_.ops[index]), width, mark);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line + "\n";
  }

  Section Calls() const {
    Section section;
    const bool live = finding_.IsLive();
    section.title = "What happens, call by call";
    if (!live) {
      section.paragraphs = {
          "\"on disk\": what the call did has reached the disk. \"LOST\": it was still in the "
          "memory of "
          "the system when the power went. Calls that have no part in it are left out."};
    }
    const std::set<uint32_t> relevant = Relevant();
    size_t width = 0;
    for (const uint32_t op : relevant)
      width = std::max(width, std::min<size_t>(DescribeShort(trace_.ops[op]).size(), 60));
    size_t row = 0;
    const size_t skipped = relevant.size() > kMostCalls ? relevant.size() - kMostCalls : 0;
    bool drawn = live;
    const auto crash = [&](uint32_t before) {
      if (drawn || before < finding_.shown.first_point) return;
      drawn = true;
      section.listing += fmt::format("      ---- {} ----\n", When());
    };
    for (const uint32_t op : relevant) {
      const size_t at = row++;
      if (skipped > 0 && at == kMostCalls / 2)
        section.listing += fmt::format("      ... {}\n", Count(skipped, "call") + " more");
      if (skipped > 0 && at >= kMostCalls / 2 && at < kMostCalls / 2 + skipped) continue;
      crash(op);
      section.listing += CallLine(op, width, MarkOf(op));
    }
    crash(UINT32_MAX);
    section.after = finding_.explanation;
    return section;
  }

  std::string When() const {
    const auto ops = static_cast<uint32_t>(trace_.ops.size());
    if (finding_.shown.last_point >= ops) return "the power goes, here or at any later time";
    if (finding_.shown.last_point <= finding_.shown.first_point) return "the power goes here";
    return fmt::format("the power goes, here or before call {} has returned",
                       finding_.shown.last_point + 1);
  }

  std::optional<Section> Stack() const {
    uint32_t guilty = UINT32_MAX;
    for (size_t i = 0; i < finding_.shown.lost.size() && guilty == UINT32_MAX; ++i) {
      if (finding_.shown.needed.empty() || finding_.shown.needed[i])
        guilty = finding_.shown.lost[i].op;
    }
    if (guilty == UINT32_MAX && !finding_.shown.marks.empty())
      guilty = finding_.shown.marks.begin()->first;
    if (guilty == UINT32_MAX && finding_.shown.first_point > 0)
      guilty = finding_.shown.first_point - 1;
    if (guilty >= trace_.ops.size()) return std::nullopt;
    Section section;
    section.title = fmt::format("Where call {} comes from", guilty + 1);
    const std::vector<std::string> stack = DescribeStack(trace_, trace_.ops[guilty]);
    for (const std::string& frame : stack) section.listing += frame + "\n";
    if (stack.empty()) section.paragraphs = {SourceOrProgram(trace_, guilty)};
    return section.listing.empty() && section.paragraphs[0].empty() ? std::nullopt
                                                                    : std::optional(section);
  }

  std::string Show(const FileTree& tree, const Place& place, const Inode** file) const {
    const Sight sight = Look(trace_, tree, place);
    *file = nullptr;
    if (sight.inode == kNoInode) return "nothing is there";
    const Inode& own = tree.at(sight.inode);
    std::string link;
    if (own.kind == FileKind::kSymlink) {
      link = fmt::format("a symlink to {}", own.target);
      if (sight.leads_to == kNoInode) return link + ", which leads to nothing";
      link += ": ";
    }
    const Inode& inode = tree.at(own.kind == FileKind::kSymlink ? sight.leads_to : sight.inode);
    if (inode.kind == FileKind::kDirectory)
      return link + fmt::format("a directory of {}", Count(inode.entries.size(), "name"));
    if (inode.kind != FileKind::kFile) return link + KindName(inode.kind);
    *file = &inode;
    const std::string attributes =
        finding_.oracle == Oracle::kAttrs ? ", " + ShowAttributes(inode) : "";
    if (inode.content.empty()) return link + "a file of 0 B" + attributes;
    if (inode.content.AllZeros())
      return link + fmt::format("{} of zeros", ByteSize(inode.content.size())) + attributes;
    return link + fmt::format("{}{}: {}", ByteSize(inode.content.size()), attributes,
                              Quote(inode.content.Read(0, 64), 48));
  }

  static std::string FirstDifference(const Inode* found, const Inode* meant) {
    if (found == nullptr || meant == nullptr || found->content == meant->content ||
        found->content.empty())
      return {};
    const std::string a = found->content.Read(0, found->content.size());
    const std::string b = meant->content.Read(0, meant->content.size());
    size_t at = 0;
    while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
    const auto part = [&](const std::string& bytes) {
      return at >= bytes.size() ? std::string("the end of the file")
                                : Quote(bytes.substr(at, 32), 24);
    };
    return fmt::format("differs from new at byte {}: {} instead of {}\n", at, part(a), part(b));
  }

  // The place to look at: where in the subject it goes wrong.
  Place PlaceToShow() const {
    if (const auto at = FindPlace(trace_, finding_.at()); at && !finding_.at().empty() &&
                                                          finding_.at() != finding_.path() &&
                                                          state_.tree.Lookup(at->path, at->root))
      return *at;
    return subject_.places[0];
  }

  std::optional<Section> Contents() const {
    if (subject_.places.empty() || finding_.axis == Finding::kRunAxis || finding_.path() == ".")
      return std::nullopt;
    Section section;
    section.title = "What a reader finds";
    const size_t shown = finding_.oracle == Oracle::kAtomic && subject_.places.size() > 1
                             ? subject_.places.size()
                             : 1;
    for (size_t i = 0; i < shown; ++i) {
      const Place place = shown > 1 ? subject_.places[i] : PlaceToShow();
      const Inode* was = nullptr;
      const Inode* is = nullptr;
      const Inode* found = nullptr;
      const std::string before = Show(trace_.old_tree, place, &was);
      const std::string after = Show(trace_.new_tree, place, &is);
      const std::string now = Show(state_.tree, place, &found);
      if (shown > 1 || place != subject_.places[0])
        section.listing += ShowPlace(trace_, place) + "\n";
      section.listing +=
          fmt::format("before (old)       {}\nmeant to be (new)  {}\n{}{}\n", before, after,
                      finding_.shown.which.As<Kill>() != nullptr ? "after the kill     "
                                                                 : "after the crash    ",
                      now);
      const std::string difference = FirstDifference(found, is);
      if (!difference.empty() && finding_.oracle == Oracle::kAtomic)
        section.listing += "                   " + difference;
    }
    return section;
  }

  Section Why() const {
    Section section;
    section.title = "Why this can happen";
    for (const Reason& reason : WhyPossible(trace_, finding_, input_.row)) {
      const std::string who =
          finding_.IsLive() ? "" : ShowProfiles(reason.profiles, SIZE_MAX) + ": ";
      section.bullets.push_back(fmt::format("{}{} [{}]", who, reason.text, reason.source));
    }
    if (!finding_.shown.evidence.empty()) {
      const bool command = finding_.oracle == Oracle::kCheck || finding_.path() == ".";
      section.after = command ? "The command that was asked printed " +
                                    Quote(finding_.shown.evidence, 200) + "."
                      : finding_.oracle == Oracle::kDurable
                          ? "What is found is " + finding_.shown.evidence + "."
                          : Sentence(finding_.shown.evidence);
    }
    return section;
  }

  // The calls around each added one, as a diff.
  Section Cure() const {
    Section section;
    section.title = "What to do";
    if (finding_.repair.steps.empty()) {
      section.paragraphs = {finding_.repair.advice.empty()
                                ? "No repair was looked for: only the pedantic profile allows this."
                                : Sentence(finding_.repair.advice)};
      return section;
    }
    std::map<uint32_t, std::vector<std::string>> added;
    for (const RepairStep& step : finding_.repair.steps)
      added[step.after].push_back(step.text.substr(0, step.text.find(" after ")));
    std::optional<uint32_t> last;
    for (const auto& [after, calls] : added) {
      if (last && *last + 1 < after) section.listing += "       ...\n";
      if (!last || *last < after) section.listing += " " + CallLine(after, 0, "");
      for (const std::string& call : calls) section.listing += fmt::format("+      {}\n", call);
      last = after + 1;
      if (after + 1 < trace_.ops.size()) section.listing += " " + CallLine(after + 1, 0, "");
    }
    section.language = "diff";
    section.paragraphs = {"Add what the lines with a + say (and look at what the calls return):"};
    const std::string but =
        finding_.repair.unproven.empty()
            ? ""
            : fmt::format(" ({} may need more)", Join(finding_.repair.unproven, ", "));
    section.after = fmt::format(
        "Every state was computed again with {}: the problem is gone on each of the file systems "
        "below{}.",
        finding_.repair.steps.size() == 1 ? "this call" : "these calls", but);
    return section;
  }

  Section FileSystems() const {
    Section section;
    section.title = "On which file systems";
    if (finding_.IsLive()) {
      section.paragraphs = {finding_.shown.which.As<Kill>() != nullptr
                                ? "All: no power needs to be lost."
                                : "All: no crash is needed."};
      return section;
    }
    for (const auto& [outcome, profiles] : finding_.outcomes) {
      section.bullets.push_back(
          fmt::format("it can {}: {}", OutcomePhrase(outcome), Join(profiles, "; ")));
    }
    return section;
  }

  Section Others() const {
    Section section;
    section.title = "Other paths with the same cause";
    constexpr size_t kMost = 20;
    for (size_t i = 1; i < finding_.subjects.size() && i <= kMost; ++i)
      section.bullets.push_back(finding_.subjects[i].path);
    if (finding_.subjects.size() > kMost + 1)
      section.bullets.push_back(fmt::format("and {} more", finding_.subjects.size() - kMost - 1));
    return section;
  }

  Section Again() const {
    Section section;
    section.title = "How to see it";
    section.paragraphs = {
        finding_.axis == Finding::kRunAxis
            ? "This shows the moment again, from the recording, on any machine and without root:"
            : "This brings the state back from the recording, on any machine and without root; "
              "--keep DIR "
              "writes it to a directory:"};
    section.listing = input_.replay + "\n";
    section.language = "sh";
    section.after = fmt::format("Finding {}, oracle {}, token {}", FindingId(finding_),
                                OracleName(finding_.oracle), finding_.token());
    return section;
  }

  const Trace& trace_;
  const Finding& finding_;
  const Subject& subject_;
  const ExplainInput& input_;
  const CrashState& state_;
};

}  // namespace

Result<std::string> ExplainFinding(const ExplainInput& input, bool markdown) {
  const Projection projection =
      input.subject->places.empty() ? Projection{{""}} : ProjectionOf(*input.trace, *input.subject);
  ASSIGN_OR_RETURN(const CrashState state,
                   Realise(*input.trace, input.finding->shown.which, projection, input.row));
  const std::vector<Section> sections = Explainer(input, state).Sections();
  return markdown ? RenderMarkdown(input.finding->message, sections)
                  : RenderText(input.finding->message, sections);
}

}  // namespace oldornew
