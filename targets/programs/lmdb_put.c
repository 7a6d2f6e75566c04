// One committed LMDB transaction in "db": k = the argument. For scenarios/.
#include <lmdb.h>
#include <string.h>

int main(int argc, char** argv) {
  MDB_env* env;
  MDB_txn* txn;
  MDB_dbi dbi;
  if (argc != 2 || mdb_env_create(&env) || mdb_env_open(env, "db", 0, 0644)) return 2;
  if (mdb_txn_begin(env, NULL, 0, &txn) || mdb_dbi_open(txn, NULL, 0, &dbi)) return 3;
  MDB_val key = {1, "k"};
  MDB_val value = {strlen(argv[1]), argv[1]};
  if (mdb_put(txn, dbi, &key, &value, 0) || mdb_txn_commit(txn)) return 4;
  mdb_env_close(env);
  return 0;
}
