#include "cli/commands.h"

int main(int argc, char** argv) { return oldornew::RunCommandLine(argc, argv); }
