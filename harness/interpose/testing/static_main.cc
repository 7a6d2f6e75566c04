// A statically linked program: the preload library cannot enter it, which has to be noticed.
#include <unistd.h>

int main() { return write(1, "static\n", 7) == 7 ? 0 : 1; }
