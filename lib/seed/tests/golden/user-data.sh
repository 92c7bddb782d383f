#!/bin/sh
# Installs Solstice CI's agent if it comes with this file, and starts it.
# Written by the host for one machine; it may run any number of times.
# For every POSIX shell: dash, busybox ash, ksh93.

instance='019a2f60-7c1e-7000-8000-000000000001'
words='solstice.endpoint=http://10.77.0.1:8400 solstice.token=sol_a-b_c solstice.address=10.77.0.2/30 solstice.gateway=10.77.0.1'
addressing='done'
mac='2:8:20:0:a:1'
address='10.77.0.2/30'
gateway='10.77.0.1'
agent='in the image'

umask 077
# GNU's tools last: on illumos base64 may be among them only.
PATH=/opt/solstice/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/gnu/bin
export PATH

say() {
    echo "solstice-seed: $*" >&2
    { echo "solstice-seed: $*" >/dev/console; } 2>/dev/null
}

# A machine that cannot start the agent waits for nobody.
fail() {
    say "$*"
    [ -x /opt/solstice/bin/run-agent ] && /opt/solstice/bin/run-agent off
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

decode() {
    if have base64; then
        base64 -d
    elif have openssl; then
        openssl base64 -d
    elif have uudecode; then
        { echo 'begin-base64 600 /dev/stdout' && cat && echo '===='; } | uudecode
    else
        return 1
    fi
}

install_runner() {
    mkdir -p /opt/solstice/bin && chmod 755 /opt/solstice /opt/solstice/bin || return 1
    cat >/opt/solstice/bin/run-agent <<'RUN' || return 1
#!/bin/sh
# Runs the agent once and switches the machine off, which was made for one job.
# With the word "off" it only does the latter.

PATH=/opt/solstice/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd / || exit 1

# What the agent says belongs on the console: that is all a host has to see.
if { : >/dev/console; } 2>/dev/null; then
    exec >/dev/console 2>&1
fi

if [ "${1:-run}" = run ]; then
    solstice-agent --seed /etc/solstice/seed --delete-seed --work /work
fi

# At once, without stopping services first: the host has all that it wants.
poweroff
RUN
    chmod 755 /opt/solstice/bin/run-agent
}

# The agent's program is at the end of this file; gzip tells whether it is whole.
install_agent() {
    program=/opt/solstice/bin/solstice-agent
    sed '1,/^#solstice-agent:$/d' "$0" | decode | gzip -dc >$program.new || return 1
    chmod 755 $program.new && mv -f $program.new $program
}

# The link with our hardware address; the first virtio one if none tells its own.
find_link() {
    for link in $(dladm show-phys -p -o link); do
        for found in $(dladm show-phys -m -p -o address "$link"); do
            [ "$found" = "$mac" ] && echo "$link" && return
        done
    done
    dladm show-phys -p -o link | sed -n '/^vioif/{p;q;}'
}

set_address() {
    link=$(find_link)
    [ -n "$link" ] || return 1
    object=$link/solstice
    [ "$(ipadm show-addr -p -o addr "$object" 2>/dev/null)" = "$address" ] && return
    ipadm show-if "$link" >/dev/null 2>&1 || ipadm create-if "$link" || return 1
    # What an earlier machine, the source of this clone, may have had.
    ipadm delete-addr "$object" >/dev/null 2>&1
    ipadm create-addr -T static -a "$address" "$object" || return 1
    [ -z "$gateway" ] || route add default "$gateway"
}

write_words() {
    mkdir -p /etc/solstice && chmod 700 /etc/solstice || return 1
    rm -f /etc/solstice/seed
    echo "$words" >/etc/solstice/seed
}

start_service() {
    mkdir -p /var/svc/manifest/site || return 1
    cat >/var/svc/manifest/site/solstice-agent.xml <<'MANIFEST' || return 1
<?xml version="1.0"?>
<!DOCTYPE service_bundle SYSTEM "/usr/share/lib/xml/dtd/service_bundle.dtd.1">
<service_bundle type="manifest" name="solstice-agent">
  <service name="site/solstice-agent" type="service" version="1">
    <create_default_instance enabled="false"/>
    <single_instance/>
    <dependency name="filesystem" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/system/filesystem/local"/>
    </dependency>
    <dependency name="network" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/milestone/network"/>
    </dependency>
    <method_context working_directory="/"/>
    <exec_method type="method" name="start" exec="/opt/solstice/bin/run-agent" timeout_seconds="0"/>
    <exec_method type="method" name="stop" exec=":kill" timeout_seconds="10"/>
    <property_group name="startd" type="framework">
      <propval name="duration" type="astring" value="child"/>
      <propval name="ignore_error" type="astring" value="core,signal"/>
    </property_group>
  </service>
</service_bundle>
MANIFEST
    chmod 444 /var/svc/manifest/site/solstice-agent.xml
    svccfg import /var/svc/manifest/site/solstice-agent.xml || return 1
    svcadm enable svc:/site/solstice-agent:default
}

start_agent() {
    if [ "$(uname -s)" = SunOS ]; then
        start_service
    elif [ -d /run/systemd/system ]; then
        systemd-run --unit=solstice-agent --no-block /opt/solstice/bin/run-agent
    else
        # As nohup(1) does it, which not every busybox has.
        (trap '' HUP && exec /opt/solstice/bin/run-agent) </dev/null >/dev/null 2>&1 &
    fi
}

if [ "$(cat /etc/solstice/instance 2>/dev/null)" = "$instance" ]; then
    say "the agent of this machine was started already"
    exit 0
fi
install_runner || fail "cannot write /opt/solstice/bin/run-agent"
if [ "$agent" = enclosed ]; then
    install_agent || fail "cannot unpack the agent; are base64 (or openssl, or uudecode) and gzip there?"
fi
have solstice-agent || fail "this image has no solstice-agent, and its seed brought none"
if [ "$addressing" = ipadm ]; then
    set_address || fail "cannot give the network card $mac the address $address"
fi
write_words || fail "cannot write /etc/solstice/seed"
start_agent || fail "cannot start the agent"
echo "$instance" >/etc/solstice/instance
exit 0
