#!/sbin/sh
# What the SMF methods of Solstice CI have in common; they source it after
# /lib/svc/share/smf_include.sh. Written for /sbin/sh of illumos, which is ksh93.

# How long a daemon that could not do its work waits before SMF starts it
# again. SMF itself would wait no more than a second.
RETRY_SECONDS=15

# The daemons' exit status for a configuration that only an operator can mend;
# 126 and 127 are the shell's for a program that it cannot run.
STATUS_WRONG=2

# property GROUP/NAME: a value of the running snapshot of this instance.
property() {
	/usr/bin/svcprop -p "$1" "$SMF_FMRI"
}

# live_property GROUP/NAME: its value of this moment; nothing if it has none.
live_property() {
	/usr/bin/svcprop -c -p "$1" "$SMF_FMRI" 2>/dev/null
}

# path_property GROUP/NAME: a property that is an absolute path. svcprop puts a
# backslash before what a shell would take amiss; such paths are refused rather
# than guessed at.
path_property() {
	path=$(property "$1") || return 1
	case $path in
	*\\*)
		echo "$1 has a character that a shell would take amiss: $path" >&2
		return 1
		;;
	/*) echo "$path" ;;
	*)
		echo "$1 is not an absolute path: $path" >&2
		return 1
		;;
	esac
}

# supervise PROGRAM ARGUMENT...: runs the daemon in the foreground and says in
# SMF's words how it ended. In the child model every end leads to a new start,
# but for SMF_EXIT_ERR_CONFIG, which leads to maintenance.
supervise() {
	"$@"
	status=$?
	case $status in
	0) exit "$SMF_EXIT_OK" ;;
	"$STATUS_WRONG" | 126 | 127)
		echo "$1 cannot start as it is configured; see the lines above, then svcadm clear $SMF_FMRI" >&2
		exit "$SMF_EXIT_ERR_CONFIG"
		;;
	*)
		echo "$1 ended with status $status; it is started again in $RETRY_SECONDS seconds" >&2
		/usr/bin/sleep "$RETRY_SECONDS"
		exit 1
		;;
	esac
}

# signal_daemon SIGNAL: to the daemon alone, which is the one child of the
# start method, and not to the commands that it runs.
signal_daemon() {
	/usr/bin/pkill -"$1" -P "$(property restarter/start_pid)"
}

# renew PROGRAM CONFIG: has the daemon end and SMF start it with a new
# configuration, if that is right. A refresh method must not fail: SMF would
# put the service into maintenance while its daemon works on.
renew() {
	if "$1" check --config "$2"; then
		echo "starting anew with $2"
		signal_daemon TERM
	else
		echo "$2 is not used: the daemon goes on with what it read when it started" >&2
	fi
	exit "$SMF_EXIT_OK"
}
