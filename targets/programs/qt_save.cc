// Qt's two ways to keep a file: "save" is QSaveFile on "f", "settings" is QSettings on "f.ini". For
// scenarios/.
#include <QSaveFile>
#include <QSettings>
#include <cstring>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (std::strcmp(argv[1], "settings") == 0) {
    QSettings settings("f.ini", QSettings::IniFormat);
    settings.setValue("a/b", "new");
    settings.sync();
    return settings.status() != QSettings::NoError;
  }
  QSaveFile file("f");
  return !file.open(QIODevice::WriteOnly) || file.write("new\n") != 4 || !file.commit();
}
