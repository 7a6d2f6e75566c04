// Finding builder: the one way in which explorers make findings, so that none lacks what reports,
// ids and bundles need: a case, a subject with its stable path, a message.
#pragma once

#include <string>
#include <vector>

#include "finding/finding.h"

namespace oldornew {

class FindingBuilder {
 public:
  /// `trace` is the one that the case belongs to; it must outlive this.
  FindingBuilder(const Trace& trace, std::string axis, Oracle oracle, Outcome outcome);

  FindingBuilder& Severe(Severity severity);
  /// The subject; `at`, if given, is where in it the shown case goes wrong.
  FindingBuilder& At(const std::string& path, const std::string& at = {});
  /// The path as it is in every run; default: guessed from its looks (SubjectPattern).
  FindingBuilder& StablePath(const std::string& pattern);
  FindingBuilder& Case(struct Case which);
  /// The case is a kill or a moment of the run.
  FindingBuilder& At(const CallAt& call);  ///< the call that the case happens at or after
  FindingBuilder& Points(uint32_t first, uint32_t last);
  FindingBuilder& Also(Outcome outcome);  ///< another outcome with the same cause
  FindingBuilder& Profiles(const std::vector<std::string>& profiles);
  FindingBuilder& Message(std::string message);
  FindingBuilder& Evidence(std::string evidence);
  FindingBuilder& Mark(uint32_t op, std::string remark);
  FindingBuilder& Explanation(std::string text);
  FindingBuilder& Advice(std::string text);
  FindingBuilder& Source(std::string text);
  /// Of a further run: its index among those that are kept, and what was other in it.
  FindingBuilder& Run(size_t index, std::string scene);
  FindingBuilder& Cause(std::string cause);
  FindingBuilder& Injected(std::vector<InjectedCall> calls);
  FindingBuilder& Again(std::string command);

  /// REQUIRES: At, Case and Message were called.
  Finding Build() const;

 private:
  const Trace& trace_;
  Finding finding_;
  FindingSubject subject_;
};

}  // namespace oldornew
