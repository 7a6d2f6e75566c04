#!/usr/bin/env bash
# Installs what the project needs on Debian 12 (and its relatives), as root or through sudo, without asking anything.
# This is the only place that names packages. Does nothing, quickly and without the network, when all are there.
#
# usage: scripts/install-deps.sh [--all] [--check]
#   --all     also the tools of the long tier: clang 19 (sanitizers, libFuzzer), clang-tidy, clang-format; the programs that scenarios/ tries
#   --check   install nothing: say what is missing, exit 1 if anything is
set -euo pipefail

# Compiler, build system, and the libraries the harness links.
build=(build-essential cmake ninja-build ccache pkg-config
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev libexpected-dev libxxhash-dev libzstd-dev
  libseccomp-dev libdw-dev liburing-dev libfuse3-dev)
# Libraries of the tests and benchmarks, and the real programs that tests and scripts/quickstart put under the harness.
# "a|b" is satisfied by either; the first is installed when neither is there.
tests=(librapidcheck-dev libgtest-dev libgmock-dev libbenchmark-dev
  e2fsprogs xfsprogs btrfs-progs fuse3
  strace acl attr sqlite3 git perl rsync 'vim-tiny|vim' python3 golang-go musl-tools)
# What scenarios/ puts under the harness besides; it skips what is not there.
programs=(ed jq gettext patch vim nodejs rustc fiu-utils libglib2.0-dev qtbase5-dev liblmdb-dev lmdb-utils)
extra=(clang-19 libclang-rt-19-dev llvm-19 clang-tidy-19 clang-format-19)

wanted=("${build[@]}" "${tests[@]}")
check_only=no
for argument in "$@"; do
  case "$argument" in
    --all) wanted+=("${extra[@]}" "${programs[@]}") ;;
    --check) check_only=yes ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install-deps: unknown argument: $argument (see --help)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install-deps: this is not a Debian system (no dpkg-query). Install the equivalents of:" >&2
  printf '  %s\n' "${wanted[@]}" >&2
  exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
missing=()
for entry in "${wanted[@]}"; do
  found=no
  IFS='|' read -r -a alternatives <<<"$entry"
  for package in "${alternatives[@]}"; do
    if grep -qxF -- "$package" <<<"$installed"; then found=yes; fi
  done
  [ "$found" = yes ] || missing+=("${alternatives[0]}")
done

if [ ${#missing[@]} -eq 0 ]; then
  echo "install-deps: all ${#wanted[@]} packages are installed"
  exit 0
fi
echo "install-deps: missing: ${missing[*]}"
if [ "$check_only" = yes ]; then exit 1; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "install-deps: neither root nor sudo here; as root, run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
run() { echo "+ $*"; "$@" </dev/null; }
run ${as_root[@]+"${as_root[@]}"} apt-get update -q
run ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
echo "install-deps: installed ${#missing[@]} packages"
