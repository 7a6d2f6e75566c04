#include "interpose/preload/entry.h"

namespace oldornew::preload {

extern "C" void ChildEntered(void*) {}

}  // namespace oldornew::preload
