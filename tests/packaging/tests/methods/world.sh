#!/bin/sh
# A host on which SMF methods run: in a mount and a process namespace of its
# own, with an overlay on /usr that holds the methods at their true paths,
# simulated SMF commands, and simulated programs of ours.
#
#   world.sh SHELL ROOT SCENARIO     SHELL is what /sbin/sh is
#
# SCENARIO is shell text that uses the functions below. It ends with the
# namespace, and every process in it with it.
set -eu
shell=$1 root=$2 scenario=$3

layers=$(mktemp -d)
mount -t tmpfs none "$layers"
mkdir "$layers/upper" "$layers/work"
cp /usr/bin/pgrep "$layers/pgrep"
cp /usr/bin/sleep "$layers/sleep"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$layers/upper,workdir=$layers/work" /usr

# Where the simulated commands keep their state.
state=/usr/share/solstice-test
mkdir -p $state/running $state/live /usr/lib/svc/share /usr/lib/svc/method /usr/lib/solstice
mv "$layers/pgrep" $state/pgrep
ln -s pgrep $state/pkill
mv "$layers/sleep" $state/sleep
: >$state/log
rm -f /usr/sbin/sh
ln -s "$shell" /usr/sbin/sh
install -m 555 "$root"/smf/method/* /usr/lib/svc/method
install -m 444 "$root"/smf/share/* /usr/lib/svc/share
fakes=$root/tests/packaging/tests/methods
install -m 444 "$fakes/smf_include.sh" /usr/lib/svc/share/smf_include.sh
install -m 555 "$fakes/svcprop" "$fakes/pgrep" "$fakes/sleep" /usr/bin
rm -f /usr/bin/pkill
install -m 555 "$fakes/pgrep" /usr/bin/pkill
install -m 555 "$fakes/poweroff" /usr/sbin/poweroff
for program in solstice-server solstice-orchestrator solstice-agent; do
	install -m 555 "$fakes/daemon" "/usr/lib/solstice/$program"
done

# set_property running|live GROUP/NAME VALUE
set_property() {
	mkdir -p "$state/$1/${2%/*}"
	echo "$3" >"$state/$1/$2"
}

# behave NAME VALUE: what the simulated programs do; see the file daemon.
behave() { echo "$2" >"$state/$1"; }

# await COMMAND...: until it succeeds, at most ten seconds.
await() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		if [ $tries -gt 1000 ]; then
			echo "waited in vain for: $*"
			cat $state/log
			exit 1
		fi
		$state/sleep 0.01
	done
}

logged() { grep -q "$1" $state/log; }

service=orchestrator
method() { SMF_FMRI=svc:/application/solstice/$service:default /lib/svc/method/solstice-$service "$@"; }

# start: as startd starts a child, in a session that stands for its contract.
start() {
	SMF_FMRI=svc:/application/solstice/$service:default \
	    setsid /lib/svc/method/solstice-$service start 2>>$state/log &
	contract=$!
	set_property running restarter/start_pid $contract
	set_property running restarter/contract $contract
}

# started: also waits until the daemon runs.
started() {
	start
	await logged '^run'
}

# ended: how the start method ended.
ended() {
	status=0
	wait "$contract" || status=$?
	echo "start ended with $status"
}

stop() {
	status=0
	method stop "$contract" 2>>$state/log >>$state/log || status=$?
	echo "stop ended with $status"
	# A killed process is there until it is reaped.
	tries=0
	while $state/pgrep -s "$contract" >/dev/null; do
		tries=$((tries + 1))
		if [ $tries -gt 100 ]; then
			echo "contract not empty"
			break
		fi
		$state/sleep 0.01
	done
}

refresh() {
	status=0
	method refresh 2>>$state/log >>$state/log || status=$?
	echo "refresh ended with $status"
}

set_property running config/file /etc/solstice/orchestrator.kdl
set_property running config/verbose false
set_property running config/drain disable
set_property running config/log_level info
set_property running config/seed /etc/solstice/seed
set_property running stop/timeout_seconds 360
set_property live general/enabled true

eval "$scenario"
cat $state/log
