# Runs steps within budgets of time and counts how they end; .ci/run and Scripts/nightly.sh source it.

# Steps whose names do not match this are left out.
only=
passed=0
failed=0
budgets=0

step() { # step <name> <budget in seconds> <command...>
    local name=$1 budget=$2 start=$SECONDS status
    [[ $name =~ $only ]] || return 0
    shift 2
    budgets=$((budgets + budget))
    printf '\n== %s (budget %d s): %s\n' "$name" "$budget" "$*"
    # The command's whole process group ends when its time is over.
    timeout --kill-after=30 "$budget" "$@"
    status=$?
    local outcome="passed"
    if [ $status = 124 ] || [ $status = 137 ]; then
        outcome="FAILED: over its budget"
    elif [ $status != 0 ]; then
        outcome="FAILED: status $status"
    fi
    if [ $status = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    printf '== %s: %s, %d s of %d s\n' "$name" "$outcome" $((SECONDS - start)) "$budget"
}

# Says how it ended; its status is the script's.
conclude() {
    printf '\n%d s of %d s\n' "$SECONDS" "$budgets"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
