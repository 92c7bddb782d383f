# shellcheck shell=sh
# The libvirtd of one test: in namespaces of its own, so that it sees neither
# the computer's libvirtd nor its files. The arguments are a folder of the test's
# and one that keeps what libvirt finds out about QEMU, which takes seconds.
set -eu
own=$1
cache=$2

ip link set lo up
mount -t proc proc /proc
# To destroy a machine libvirtd runs fifty programs, and may take seconds for it:
# on a busy computer it goes before others (sched(7), autogroups).
renice -n -20 $$ >/dev/null
[ ! -w /proc/self/autogroup ] || echo -20 >/proc/self/autogroup
# That of the new network namespace; without control groups, which are the computer's.
umount -R -l /sys
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs "$own/layers"
for dir in etc var; do
    mkdir "$own/layers/$dir" "$own/layers/$dir.work"
    mount -t overlay overlay "/$dir" \
        -o "lowerdir=/$dir,upperdir=$own/layers/$dir,workdir=$own/layers/$dir.work"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/libvirt /etc/libvirt /var/cache/libvirt /var/log/libvirt /var/lib/libvirt/dnsmasq
mount --bind "$own/run" /run/libvirt
mount --bind "$cache" /var/cache/libvirt

# libvirt-daemon-system would make this user; libvirtd wants it to exist.
getent passwd libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:64055::/:/bin/false' >>/etc/passwd
getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
printf 'user = "root"\ngroup = "root"\n' >/etc/libvirt/qemu.conf
echo 'auth_unix_rw = "none"' >/etc/libvirt/libvirtd.conf

virtlogd &
# As a service manager would: a libvirtd that ends is started again.
while :; do libvirtd || sleep 0.1; done
