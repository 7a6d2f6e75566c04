// The descriptors of the processes of a log: what a number means when a call uses it.
#pragma once

#include <memory>

#include "import/arguments.h"
#include "import/learner.h"
#include "import/processes.h"
#include "import/world.h"

namespace oldornew::replay {

class Descriptors {
 public:
  Descriptors(const Processes* processes, World* world, Learner* learner, Arguments* arguments,
              Complaints* complaints)
      : processes_(*processes),
        world_(*world),
        learner_(*learner),
        arguments_(*arguments),
        complaints_(*complaints) {}

  /// What argument `i` is open on. `number` gets the descriptor's number. Null: nothing that is
  /// known. What was open before the log begins is inherited, as far as -y says what it is.
  std::shared_ptr<Description> File(const StraceCall& call, size_t i, int* number = nullptr);

  /// The same for a descriptor that stands within an argument.
  std::shared_ptr<Description> Printed(const StraceCall& call, const PrintedDescriptor& printed);

  /// A descriptor of which the log did not say where it comes from.
  std::shared_ptr<Description> Inherit(const StraceCall& call, const PrintedDescriptor& printed);

  void Install(const StraceCall& call, int fd, std::shared_ptr<Description> file,
               bool close_on_exec);
  void Remove(const StraceCall& call, int fd);

 private:
  void CheckAnnotation(const StraceCall& call, const PrintedDescriptor& printed,
                       const Description& file);

  const Processes& processes_;
  World& world_;
  Learner& learner_;
  Arguments& arguments_;
  Complaints& complaints_;
};

}  // namespace oldornew::replay
