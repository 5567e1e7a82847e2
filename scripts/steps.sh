# How the set-up scripts speak, refuse, and run a long step. Sourced by the scripts beside it; does nothing by itself.
#
# shellcheck shell=bash

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
tools=$checkout/.tools
log_dir=$tools/log
# A prefix for the machine's own files, so that a test can show these scripts a machine without RabbitMQ. Empty: the
# real machine.
machine_root=${SETUP_MACHINE_ROOT:-}
step= # process id of the long step at work
lock_wait_s=1800 # longer than any set-up takes on a slow line

say() {
    printf 'set-up: %s\n' "$*"
}

# refuse LINE...: says why it can't go on and what to do, and ends the script.
refuse() {
    printf 'set-up: %s\n' "$@" >&2
    exit 1
}

# take_lock FILE WHAT: holds FILE locked, on descriptor 9, until the script and its steps have ended; says WHAT it
# waits for.
take_lock() {
    local file=$1 what=$2
    if ! { mkdir -p "$(dirname "$file")" && exec 9>"$file"; } 2>/dev/null; then
        refuse "$file can't be written by $(id -un)" "remedy: sudo chown -R $(id -un) $(dirname "$file")"
    fi
    flock --nonblock 9 && return
    say "$what; waiting for it, at most $lock_wait_s s"
    flock --wait "$lock_wait_s" 9 || refuse "it has not ended in $lock_wait_s s" \
        "remedy: see what holds the lock with 'fuser $file'"
}

# run_logged NAME DESCRIPTION COMMAND...: announces a long step, keeps its output in .tools/log/NAME.log, shows the
# end of it on failure. The step runs beside the script, so that a trap is served at once; what the trap does with
# $step is the script's affair. The step inherits the script's lock: when the script is killed outright, the lock is
# free only once the step has ended too.
run_logged() {
    local description=$2 log=$log_dir/$1.log began=$SECONDS status
    shift 2
    mkdir -p "$log_dir"
    say "$description ..."
    "$@" >"$log" 2>&1 </dev/null &
    step=$!
    while :; do
        status=0
        wait "$step" || status=$?
        kill -0 "$step" 2>/dev/null || break # else a trap ended the wait, not the step
    done
    step=
    if ((status == 0)); then
        say "  done in $((SECONDS - began)) s"
        return 0
    fi
    {
        printf 'set-up: failed with exit code %d after %d s: %s\n' "$status" "$((SECONDS - began))" "$*"
        printf 'set-up: the last lines of %s:\n' "$log"
        tail -n 20 "$log" | sed 's/^/    /'
    } >&2
    return "$status"
}
