#include "finding/builder.h"

#include "base/check.h"
#include "oracle/path_patterns.h"

namespace oldornew {

FindingBuilder::FindingBuilder(const Trace& trace, std::string axis, Oracle oracle, Outcome outcome)
    : trace_(trace) {
  finding_.axis = std::move(axis);
  finding_.oracle = oracle;
  finding_.shown.outcome = outcome;
  finding_.outcomes[outcome] = {};
}

FindingBuilder& FindingBuilder::Severe(Severity severity) {
  finding_.severity = severity;
  return *this;
}

FindingBuilder& FindingBuilder::At(const std::string& path, const std::string& at) {
  subject_.path = path;
  subject_.at = at.empty() ? path : at;
  return *this;
}

FindingBuilder& FindingBuilder::StablePath(const std::string& pattern) {
  subject_.stable_path = pattern;
  return *this;
}

FindingBuilder& FindingBuilder::Case(struct Case which) {
  finding_.shown.which = std::move(which);
  return *this;
}

FindingBuilder& FindingBuilder::At(const CallAt& call) {
  finding_.shown.call = call;
  return *this;
}

FindingBuilder& FindingBuilder::Points(uint32_t first, uint32_t last) {
  finding_.shown.first_point = first;
  finding_.shown.last_point = last;
  return *this;
}

FindingBuilder& FindingBuilder::Also(Outcome outcome) {
  finding_.outcomes[outcome] = {};
  return *this;
}

FindingBuilder& FindingBuilder::Profiles(const std::vector<std::string>& profiles) {
  finding_.profiles = profiles;
  for (auto& [outcome, under] : finding_.outcomes) under = profiles;
  return *this;
}

FindingBuilder& FindingBuilder::Message(std::string message) {
  finding_.message = std::move(message);
  return *this;
}

FindingBuilder& FindingBuilder::Evidence(std::string evidence) {
  finding_.shown.evidence = std::move(evidence);
  return *this;
}

FindingBuilder& FindingBuilder::Mark(uint32_t op, std::string remark) {
  finding_.shown.marks.emplace(op, std::move(remark));
  return *this;
}

FindingBuilder& FindingBuilder::Explanation(std::string text) {
  finding_.explanation = std::move(text);
  return *this;
}

FindingBuilder& FindingBuilder::Advice(std::string text) {
  finding_.repair.advice = std::move(text);
  return *this;
}

FindingBuilder& FindingBuilder::Source(std::string text) {
  finding_.source = std::move(text);
  return *this;
}

FindingBuilder& FindingBuilder::Run(size_t index, std::string scene) {
  finding_.run = static_cast<int>(index);
  finding_.scene = std::move(scene);
  return *this;
}

FindingBuilder& FindingBuilder::Cause(std::string cause) {
  finding_.cause = std::move(cause);
  return *this;
}

FindingBuilder& FindingBuilder::Injected(std::vector<InjectedCall> calls) {
  finding_.injected = std::move(calls);
  return *this;
}

FindingBuilder& FindingBuilder::Again(std::string command) {
  finding_.again = std::move(command);
  return *this;
}

Finding FindingBuilder::Build() const {
  CHECK(!finding_.message.empty() && !finding_.shown.which.trace_id.empty());
  Finding out = finding_;

  FindingSubject subject = subject_;
  subject.outcomes = out.outcomes;
  subject.token = out.token();
  if (subject.stable_path.empty()) subject.stable_path = SubjectPattern(trace_, subject.path);
  out.subjects.push_back(std::move(subject));

  return out;
}

}  // namespace oldornew
