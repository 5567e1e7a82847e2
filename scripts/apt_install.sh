#!/usr/bin/env bash
# Installs Debian packages without letting any of their services start: a trial runs parts of its own, and a system
# RabbitMQ that took port 5672 would only be in the way.
#
# usage: scripts/apt_install.sh PACKAGE...        (as root; those that are installed already are left alone)
#
# While apt-get works, /usr/sbin/policy-rc.d answers 101, "not allowed", to every request to start a service. Whatever
# was there before is put back as it was: at the end, on failure, on a signal (after apt-get has come to its end: a
# package half configured without the guard would start its service), and, after a SIGKILL, at the next start of this
# script. It does not configure, upgrade or remove anything.
set -euo pipefail
# shellcheck source=scripts/steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

policy=$machine_root/usr/sbin/policy-rc.d
kept=$policy.kept-by-incident-harness
mark='# Put here by the incident harness for the time of one apt-get install.'
# One guard at a time on the whole machine: two checkouts may be setting up at once.
guard_lock=$machine_root/run/lock/incident-harness-apt.lock
# The services that the packages of this project bring. A unit that was there before is not touched.
services=(
    rabbitmq-server.service epmd.service epmd.socket
    docker.service docker.socket containerd.service
    postgresql.service
)

restore_policy() {
    if grep -qsxF -- "$mark" "$policy"; then
        rm -f -- "$policy"
    fi
    if [ -e "$kept" ] || [ -L "$kept" ]; then
        mv -- "$kept" "$policy"
    fi
}

guard_services() {
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        mv -- "$policy" "$kept"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy.new"
    chmod 755 "$policy.new"
    mv -- "$policy.new" "$policy"
}

known_services() {
    local service units=$machine_root/lib/systemd/system
    for service in "${services[@]}"; do
        if [ -e "$units/$service" ]; then
            printf '%s\n' "$service"
        fi
    done
}

# Debian enables a service it installs, so it would start at the next boot.
disable_new_services() {
    local before=$1 service
    command -v systemctl >/dev/null || return 0
    for service in $(comm -13 <(sort <<<"$before") <(known_services | sort)); do
        if [ -d "$machine_root/run/systemd/system" ]; then
            systemctl disable --now "$service" >>"$log_dir/apt-install.log" 2>&1 || true
        else
            systemctl disable "$service" >>"$log_dir/apt-install.log" 2>&1 || true
        fi
        say "  $service is left stopped and disabled"
    done
}

leave_if_stopped() {
    [ -z "$stopped_with" ] || exit "$stopped_with"
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "$@"; do
    is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    exit 0
fi
[ "$(id -u)" -eq 0 ] || refuse "these Debian packages are missing: ${missing[*]}" \
    "remedy: sudo apt-get install ${missing[*]}"
command -v apt-get >/dev/null || refuse "these parts are missing, and there is no apt-get here: ${missing[*]}" \
    "remedy: install them in this system's own way; CONTRIBUTING.md says where they are looked for"

take_lock "$guard_lock" "another checkout is installing packages"

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
# A signal is remembered and obeyed when apt-get is done.
stopped_with=
trap 'stopped_with=129' HUP
trap 'stopped_with=130' INT
trap 'stopped_with=143' TERM
network=(-o Acquire::Retries=3 -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60)
run_logged apt-update "refreshing the package lists" apt-get "${network[@]}" update ||
    say "  going on with the package lists at hand"
leave_if_stopped

services_before=$(known_services)
restore_policy # what an installation that was killed outright left behind
trap restore_policy EXIT
guard_services
run_logged apt-install "installing with apt, no service started: ${missing[*]}" \
    apt-get "${network[@]}" -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}"
disable_new_services "$services_before"
leave_if_stopped
