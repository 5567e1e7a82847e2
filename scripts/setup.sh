#!/usr/bin/env bash
# Everything that `make test` and `make reproduce-incident` stand on: Debian packages, .venv, Toxiproxy. Called by the
# Makefile.
#
# It may be run at any time, by several at once: what is there already is used again, and then it takes a few
# hundredths of a second. As root it installs what is missing; otherwise it says what to install, once, and ends with
# exit code 1.
#
# Environment, each with a default that fits:
#   PYTHON                    the interpreter to make .venv with
#   SETUP_GO_TIMEOUT_SECONDS  how long building Toxiproxy may take (300)
#   SETUP_MACHINE_ROOT        a prefix for the machine's own files (/usr/lib/rabbitmq, /usr/sbin/policy-rc.d); for
#                             tests that show the scripts a machine without them
# pip, apt-get and go are used as the machine has configured them.
set -euo pipefail
scripts=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/steps.sh
source "$scripts/steps.sh"
# shellcheck source=scripts/venv.sh
source "$scripts/venv.sh"
# shellcheck source=scripts/toxiproxy.sh
source "$scripts/toxiproxy.sh"

rabbitmq_server=$machine_root/usr/lib/rabbitmq/bin/rabbitmq-server

# end_step CODE: on a signal, ends the step at work and waits for it, so that nothing goes on writing into .venv
# behind our back.
end_step() {
    trap '' HUP INT TERM
    if [ -n "$step" ]; then
        kill -TERM "$step" 2>/dev/null || true
        wait "$step" || true
    fi
    say "interrupted; the next set-up begins again where this one was cut short" >&2
    exit "$1"
}

trap 'end_step 129' HUP
trap 'end_step 130' INT
trap 'end_step 143' TERM
take_lock "$tools/setup.lock" "another set-up is at work in this checkout"
debian_packages=()
python=
[ -x "$rabbitmq_server" ] || debian_packages+=(rabbitmq-server)
if ! packages_are_current; then
    python=$(find_python)
    can_make_venv "$python" || debian_packages+=(python3-venv)
fi
if ((${#debian_packages[@]} > 0)); then
    bash "$scripts/apt_install.sh" "${debian_packages[@]}"
    [ -x "$rabbitmq_server" ] || refuse "the package rabbitmq-server is installed, but $rabbitmq_server is not there" \
        "remedy: sudo apt-get install --reinstall rabbitmq-server"
    [ -z "$python" ] || can_make_venv "$python" || refuse "$python can't make a virtual environment (no ensurepip)" \
        "remedy: name an interpreter that can: make setup PYTHON=/usr/bin/python3"
fi
[ -z "$python" ] || make_venv "$python"
install_project
provide_toxiproxy
say "everything is in place"
