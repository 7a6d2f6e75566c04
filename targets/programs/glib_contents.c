// g_file_set_contents and g_file_set_contents_full on "f": the flags as a number, or "default". For
// scenarios/.
#include <glib.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  const char text[] = "something new that is longer than before\n";
  if (argc != 2) return 2;
  if (strcmp(argv[1], "default") == 0) return !g_file_set_contents("f", text, -1, NULL);
  const GFileSetContentsFlags flags = (GFileSetContentsFlags)atoi(argv[1]);
  return !g_file_set_contents_full("f", text, -1, flags, 0666, NULL);
}
