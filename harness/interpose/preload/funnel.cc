// Pass-through: carries out everything and records nothing. (Replaced by the recording funnel.)
#include "interpose/preload/seam.h"

namespace oldornew::preload {

bool FunnelInit(char**, const uint64_t*) { return false; }
void FunnelProcessStarted(StartedBy) {}
void FunnelThreadStarted() {}
void FunnelCloneReturned(long, uint64_t) {}
void FunnelExecAttempt(int, const char*, const char* const*, int) {}
void FunnelUnsupportedImage(const char*, const char*) {}
void FunnelExecFailed(int) {}
long Funnel(Call& call) { return CarryOut(call); }

}  // namespace oldornew::preload
