// Realise: from a choice that was read back to the state it stands for.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/choice_text.h"
#include "model/crash_state.h"
#include "model/history.h"
#include "model/profile.h"

namespace oldornew {

/// `choice` is what ParseChoice made of `text`, of the history's grain and not "nothing".
/// Everything else is checked here: the text may come from a file. Errors: DoesNotFit.
Result<CrashState> Realise(const History& history, const Profile& profile, std::string_view text,
                           const ChoiceText& choice, const Projection& projection);

/// "crash state '...' does not belong to this recording and profile: `why`" (ExitCode::kUsage).
tl::unexpected<Error> DoesNotFit(std::string_view text, std::string_view why);

}  // namespace oldornew
