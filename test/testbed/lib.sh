# SPDX-License-Identifier: Apache-2.0
# What docker, k8s and systemd beside this file share. Sourced; starts nothing.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TESTBED=${ASSAY_TESTBED:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed}
# Where pid files are and where logs go; a private engine has its own.
RUN=$TESTBED/run
LOG=$TESTBED/log
mkdir -p "$TESTBED/bin"
open_run() { # keys, tokens and sockets are below RUN
  mkdir -p "$RUN" "$LOG"
  chmod 700 "$RUN" "$LOG"
}
open_run

say() { echo "testbed: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

require_root() { # require_root WHY
  [[ $(id -u) -eq 0 ]] || fail "$1 takes root: run this command again as root"
}

# Programs that must be there, as PROGRAM:PACKAGE; on Debian, missing ones are installed.
need() {
  local missing=() packages=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null && continue
    missing+=("${pair%%:*}")
    packages+=("${pair#*:}")
  done
  ((${#missing[@]} == 0)) || install_packages "${missing[*]}" "${packages[@]}"
}

install_packages() { # install_packages WHAT PACKAGE...
  local what=$1
  shift
  command -v apt-get >/dev/null || fail "missing: $what; install what Debian has as $* and run this again"
  require_root "installing $*"
  say "installing $*"
  (apt update -qq && apt install -y -qq --no-install-recommends "$@") >"$LOG/apt.log" 2>&1 || {
    tail -5 "$LOG/apt.log" >&2
    fail "could not install $*; $LOG/apt.log has the rest"
  }
}

# Waits for others who are installing.
apt() {
  DEBIAN_FRONTEND=noninteractive flock "$TESTBED/apt.lock" \
    apt-get -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root "$@"
}

# Lays the files of Debian packages below $TESTBED/root, without their scripts, so that no service starts.
unpack() {
  local package
  for package in "$@"; do
    [[ -e $TESTBED/root/.$package ]] && continue
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
      fail "$package comes from Debian's package of that name: run this on Debian"
    mkdir -p "$TESTBED/deb" "$TESTBED/root"
    (
      cd "$TESTBED/deb"
      apt download -qq "$package" || { apt update -qq && apt download -qq "$package"; }
      dpkg -x "$package"_*.deb "$TESTBED/root"
    ) >"$LOG/unpack.log" 2>&1 || {
      tail -5 "$LOG/unpack.log" >&2
      fail "could not unpack $package"
    }
    touch "$TESTBED/root/.$package"
  done
}

# One at a time; what is started does not keep the lock, see start.
lock() { # lock NAME
  exec 9>>"$RUN/$1.lock"
  flock -n 9 || {
    say "waiting for another run of $1"
    flock 9
  }
}

pid_of() { # the pid of NAME if it runs: the pid file may have outlived it
  local pid word=''
  [[ -s $RUN/$1.pid ]] || return 1
  pid=$(<"$RUN/$1.pid")
  # Empty for a process that has ended and is not yet waited for.
  { IFS= read -r -d '' word <"/proc/$pid/cmdline"; } 2>/dev/null || return 1
  [[ ${word##*/} == "$1" ]] && echo "$pid"
}
running() { pid_of "$1" >/dev/null; }

# In the background, by the name of its program. One that runs under another command line is replaced.
start() { # start NAME PROGRAM ARGUMENT...
  local name=$1 pid left
  shift
  if pid=$(pid_of "$name"); then
    if [[ $(tr '\0' '\n' <"/proc/$pid/cmdline") == "$(printf '%s\n' "$@")" ]]; then
      kill -CONT "$pid"
      return
    fi
    stop "$name"
  fi
  find "$LOG/$name.log" -size +10M -delete 2>/dev/null || true
  setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid" >"$RUN/$name.pid"
  # Until it has that name: on a busy machine it is still the shell, or setsid, for a while.
  for ((left = 100; left > 0; left--)); do
    if running "$name" || ! kill -0 "$pid" 2>/dev/null; then return; fi
    sleep 0.1
  done
}

stop() { # stop NAME; waits until it is gone
  local pid left=150
  if pid=$(pid_of "$1"); then
    # One that is held by SIGSTOP hears nothing else.
    kill -TERM "$pid" && kill -CONT "$pid"
    while running "$1"; do
      ((left-- > 0)) || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.1
    done
  fi
  rm -f "$RUN/$1.pid"
}

pause() { # pause NAME: SIGSTOP; returns when every thread has stopped
  local pid
  pid=$(pid_of "$1") || fail "$1 does not run"
  kill -STOP "$pid"
  while cat /proc/"$pid"/task/*/stat | sed 's/.*) //' | grep -qv '^T'; do sleep 0.05; done
}

resume() { # resume NAME
  local pid
  pid=$(pid_of "$1") || fail "$1 does not run"
  kill -CONT "$pid"
}

await() { # await SECONDS PROGRAM COMMAND...: until the command succeeds, as long as the program runs
  local left=$(($1 * 5)) name=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    running "$name" || { tail -5 "$LOG/$name.log" >&2; fail "$name ended; $LOG/$name.log has the rest"; }
    ((left-- > 0)) || fail "$name does not answer; $LOG/$name.log may say why"
    sleep 0.2
  done
}

unmount() { # unmount FOLDER: it and what is below it
  awk -v at="$1" '$2 == at || index($2, at "/") == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l
}

report() { # report NAME...: what runs
  local name
  for name in "$@"; do running "$name" && echo "$name up" || echo "$name down"; done
}

usage() { # the comment at the top of the script
  sed -n '3,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
