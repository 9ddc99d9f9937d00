# Runs steps within budgets of time and counts how they end; .ci/run and Scripts/nightly.sh source it.

# Steps whose names do not match this are left out.
only=
passed=0
failed=0
budgets=0
# What the failed steps said, for the end: a long output is often read from there, or kept without its middle.
complaints=$(mktemp)
trap 'rm -f "$complaints" "$complaints".step' EXIT

step() { # step <name> <budget in seconds> <command...>
    local name=$1 budget=$2 start=$SECONDS status output
    [[ $name =~ $only ]] || return 0
    shift 2
    budgets=$((budgets + budget))
    printf '\n== %s (budget %d s): %s\n' "$name" "$budget" "$*"
    exec {output}> >(tee "$complaints".step)
    # The command's whole process group ends when its time is over.
    timeout --kill-after=30 "$budget" "$@" >&"$output" 2>&1
    status=$?
    exec {output}>&-
    # What has been written is shown first, but nothing that a step left running is waited for.
    timeout 10 tail --pid=$! --sleep-interval=0.1 -f /dev/null
    local outcome="passed"
    if [ $status = 124 ] || [ $status = 137 ]; then
        outcome="FAILED: over its budget"
    elif [ $status != 0 ]; then
        outcome="FAILED: status $status"
    fi
    if [ $status = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "-- $name: $outcome" >>"$complaints"
        grep --text -E '^✘|[^a-z]error:|Fatal error|Sanitizer|^make: \*\*\*' "$complaints".step | tail -25 >>"$complaints"
    fi
    printf '== %s: %s, %d s of %d s\n' "$name" "$outcome" $((SECONDS - start)) "$budget"
}

# Says how it ended; its status is the script's.
conclude() {
    cat "$complaints"
    printf '\n%d s of %d s\n' "$SECONDS" "$budgets"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
