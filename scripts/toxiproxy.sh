# Toxiproxy's server: from PATH, from .tools, or built once with Go. Sourced by setup.sh. Nothing here ends the set-up:
# without a server the harness uses its embedded proxy, and the report says which one was used.
#
# shellcheck shell=bash

toxiproxy=$tools/toxiproxy-server
toxiproxy_module=github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
go_minor_version_min=23 # Toxiproxy 2.12's go.mod asks for Go 1.23
# A build takes about half a minute with a cold cache; a machine without network must not wait for long.
build_timeout_s=${SETUP_GO_TIMEOUT_SECONDS:-300}
# A build that failed is not tried again for a day, so that every later set-up stays quick.
build_failed=$tools/toxiproxy-build-failed
build_retry_after_min=1440

has_toxiproxy() {
    command -v toxiproxy-server >/dev/null || [ -x "$toxiproxy" ]
}

has_recent_go() {
    local version
    version=$(go version 2>/dev/null) || return 1
    [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= go_minor_version_min))
}

build_failed_lately() {
    [ -n "$(find "$build_failed" -mmin "-$build_retry_after_min" 2>/dev/null)" ]
}

# The binary of cmd/server is named "server"; it gets its name by one rename, so that a half-written one is never
# taken for whole.
build_toxiproxy() {
    local build=$tools/toxiproxy-build
    rm -rf -- "$build" "$build_failed"
    mkdir -p "$build"
    if run_logged toxiproxy "building Toxiproxy 2.12.0 with Go, half a minute, at most $build_timeout_s s" \
        env GOBIN="$build" timeout --foreground --kill-after=10 "$build_timeout_s" go install "$toxiproxy_module"; then
        mv -- "$build/server" "$toxiproxy"
    else
        touch "$build_failed"
    fi
    rm -rf -- "$build"
}

provide_toxiproxy() {
    if has_toxiproxy; then
        return
    elif ! has_recent_go; then
        say "neither toxiproxy-server nor Go 1.$go_minor_version_min to build it with: the embedded proxy will serve"
    elif build_failed_lately; then
        say "Toxiproxy could not be built a while ago, see $log_dir/toxiproxy.log: the embedded proxy will serve"
        say "remedy: remove $build_failed and run this again"
    else
        build_toxiproxy
        has_toxiproxy || say "the embedded proxy will serve instead of Toxiproxy"
    fi
}
