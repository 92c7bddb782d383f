#!/bin/bash
# What every recipe of a golden image does: reads its arguments, asks apt which
# packages there are, fetches them, decides whether there is anything to do, and
# puts the finished image in its place. See README.md.
#
# A recipe sources this file, sets `here` to its folder and `name` to the name of
# the image, defines the functions below, and calls `recipe_main "$@"`:
#
#   take_option WORD   takes an option of its own; fails if it knows none such
#   before_resolving   looks whether it can go on, and may choose among apt's sources
#   tools              prints a line "program package" per program it needs
#   package_names      prints the packages, one per line, with "=VERSION" or without
#   assemble_image     makes the files of the image in $work/out, image.lock among them
#
# It finds its arguments in $agent (a path; empty if the image takes none) and
# $cache, the packages there under the names in the first column of
# $work/resolved, and room for itself in $work.

# shellcheck disable=SC2154 # what recipes set

# Every time stamp in an image; any fixed moment will do.
readonly EPOCH=1704067200

# Options for every call of apt, for recipes that choose among its sources.
apt_options=()
# Whether the image has an agent in it.
wants_agent=yes
# Words behind the usage line: the options of the recipe.
usage_options=''

trap 'echo "${name:-recipe}: failed at line $LINENO: $BASH_COMMAND" >&2' ERR

say() { echo "$name: $*" >&2; }

die() {
    say "$*"
    exit 1
}

usage() {
    echo "usage: ${0##*/} --agent PATH --out DIR [--cache DIR]$usage_options" >&2
    exit 2
}

before_resolving() { :; }

# Refuses to start without the programs it needs, and says how to get them.
check_tools() {
    local missing='' tool package
    while read -r tool package; do
        command -v "$tool" >/dev/null || missing+=" $package"
    done < <(tools)
    [ -z "$missing" ] || die "programs are missing; run: apt-get install$missing"
    [ "$(dpkg --print-architecture)" = amd64 ] ||
        die "this recipe makes an amd64 image from an amd64 Debian's packages"
}

# Digest of what decides the outcome and is ours: the folder, this file, the agent.
recipe_digest() {
    echo "$name"
    (cd "$here" && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum
    sha256sum <"${BASH_SOURCE[0]}"
    if [ -n "$agent" ]; then sha256sum <"$agent"; fi
}

# A cheap stand-in for the packages' versions: while apt's lists stand still,
# so do they. Reading them through apt takes a second.
lists_stamp() {
    # Not everybody may look into every folder there, and nobody needs to.
    { find /var/lib/apt/lists /etc/apt -type f -printf '%p %s %T@\n' 2>/dev/null || true; } | sort
}

# Whether $out holds the image that the lock in it describes, by size.
is_complete() {
    local path bytes
    [ -f "$out/image.lock" ] && [ -f "$out/.inputs" ] || return 1
    while read -r path bytes; do
        [ "$(stat -c %s "$out/$path" 2>/dev/null)" = "$bytes" ] || return 1
    done < <(sed -n 's/.*"path": "\([^"]*\)".*"bytes": \([0-9]*\).*/\1 \2/p' "$out/image.lock")
}

up_to_date() {
    say "up to date: $out"
    exit 0
}

# Prints the current cloud kernel's package.
kernel_package() {
    apt-cache "${apt_options[@]}" depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*-cloud-amd64\)$/\1/p' | grep . ||
        die "apt knows no linux-image-cloud-amd64; run: apt-get update"
}

# Prints a line "file sha256:digest" per package, as apt's signed lists have it.
resolve_packages() {
    local empty names uris
    names=$(package_names)
    # apt prints nothing for a file that lies in the current directory.
    empty=$(mktemp -d "$work/empty.XXXX")
    # shellcheck disable=SC2086 # one word per package is meant
    uris=$(cd "$empty" && apt-get "${apt_options[@]}" download --print-uris $names) ||
        die "apt cannot name the packages; run: apt-get update"
    # 'http://…' name_version_arch.deb bytes SHA256:digest
    awk '{ print $2, tolower($4) }' <<<"$uris" | sort
    [ "$(wc -l <<<"$uris")" -eq "$(wc -l <<<"$names")" ] ||
        die "apt named another number of packages than were asked for"
}

is_cached() {
    [ -f "$cache/$1" ] && [ "sha256:$(sha256sum <"$cache/$1" | cut -c1-64)" = "$2" ]
}

# Brings every resolved package into the cache; apt authenticates, we compare again.
fetch_packages() {
    local file digest missing=()
    while read -r file digest; do
        case $digest in sha256:*) ;; *) die "apt gave no SHA-256 for $file" ;; esac
        is_cached "$file" "$digest" || missing+=("$(sed 's/_/=/; s/_[^_]*$//; s/%3a/:/g' <<<"$file")")
    done <"$work/resolved"
    if [ ${#missing[@]} -gt 0 ]; then
        say "fetching ${#missing[@]} packages"
        (cd "$cache" && apt-get -qq "${apt_options[@]}" -o APT::Sandbox::User=root download "${missing[@]}") ||
            die "apt cannot fetch the packages; run: apt-get update"
    fi
    while read -r file digest; do
        is_cached "$file" "$digest" || die "$file is not what apt's lists promise"
    done <"$work/resolved"
}

# Prints the path of the package whose name begins like this.
package_file() {
    echo "$cache/$(sed -n "s/^\($1[^ ]*\) .*/\1/p" "$work/resolved")"
}

# Copies modules in loading order; a module that is built in is left out.
copy_modules() {
    local from=$1 to=$2 module file
    shift 2
    mkdir -p "$to"
    for module in "$@"; do
        # Module files are named with _ or -, plain or packed.
        file=$(find "$from" -name "${module//_/[-_]}.ko*" -print -quit)
        if [ -z "$file" ]; then
            grep -q "/${module//_/[-_]}\.ko$" "$from"/*/modules.builtin ||
                die "the kernel has no $module"
            continue
        fi
        case $file in
        *.xz) xz -dc "$file" >"$to/$module.ko" ;;
        *.zst) zstd -qdc "$file" >"$to/$module.ko" ;;
        *) cp "$file" "$to/$module.ko" ;;
        esac
        echo "$module"
    done >"$to/order"
}

# Sets every time stamp below a directory.
freeze_times() {
    find "$1" -exec touch -h -d "@$EPOCH" {} +
}

# Makes an initial RAM disk of the tree $1 in the file $2.
pack_initrd() {
    freeze_times "$1"
    (cd "$1" && find . -print0 | sort -z |
        cpio --quiet --null --create --format=newc --reproducible --owner=0:0) >"$2"
}

# mke2fs stores the change times of the files it copies, which nobody can set
# beforehand: this prints the debugfs commands that set every inode's times.
fix_times() {
    local inode field
    # Inode 11 is lost+found; the copied ones follow, all in use without a gap.
    for inode in 2 $(seq 11 "$1"); do
        for field in atime ctime mtime crtime; do
            echo "set_inode_field <$inode> $field @$EPOCH"
            # The nanoseconds are in the extra halves.
            echo "set_inode_field <$inode> ${field}_extra 0"
        done
    done
}

# Makes a file system of $2 MiB in the file $3 from the tree $1; more options of
# mke2fs may follow. Needs $fs_label, $fs_uuid and $fs_hash_seed.
make_file_system() {
    local root=$1 mib=$2 to=$3 inodes last
    shift 3
    freeze_times "$root"
    truncate -s "${mib}M" "$to"
    # No journal: the disk is a clone that lives as long as one job.
    E2FSPROGS_FAKE_TIME=$EPOCH mke2fs -q -t ext4 -L "$fs_label" -U "$fs_uuid" -m 0 "$@" \
        -E "hash_seed=$fs_hash_seed,root_owner=0:0,lazy_itable_init=1,nodiscard,no_copy_xattrs" \
        -d "$root" "$to"
    inodes=$(dumpe2fs -h "$to" 2>/dev/null | sed -n 's/^Inode count: *//p')
    last=$((inodes - $(dumpe2fs -h "$to" 2>/dev/null | sed -n 's/^Free inodes: *//p')))
    fix_times "$last" >"$work/debugfs"
    E2FSPROGS_FAKE_TIME=$EPOCH debugfs -w -f "$work/debugfs" "$to" >"$work/debugfs.out" 2>&1
    e2fsck -fn "$to" >"$work/e2fsck.out" 2>&1 || die "the root file system is damaged: $(cat "$work/e2fsck.out")"
}

# Prints a number as four bytes, the lowest first, as printf(1) wants them.
little_endian() {
    local bits
    for bits in 0 8 16 24; do printf '\\x%02x' $((($1 >> bits) & 255)); done
}

# Writes bytes, given as printf(1) wants them, at offset $3 of file $2.
patch() {
    # shellcheck disable=SC2059 # the escapes are what is meant
    printf "$1" | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}

# Writes entry $2 (1 to 4) of the partition table of the disk $1: active or not,
# type in two hexadecimal digits, first sector, sectors. Cylinders and heads say
# that they cannot tell.
write_partition() {
    local disk=$1 number=$2 flag=00 type=$4
    if [ "$3" = active ]; then flag=80; fi
    patch "\\x$flag\\xfe\\xff\\xff\\x$type\\xfe\\xff\\xff$(little_endian "$5")$(little_endian "$6")" \
        "$disk" $((430 + number * 16))
}

# Begins the disk $1 with GRUB's boot sector and, in the sectors behind it, where
# that looks unless told otherwise, its core $2. The modules are in $3; at most $4
# MiB are free before the first partition.
write_loader() {
    local disk=$1 core=$2 modules=$3 free_mib=$4
    [ "$(stat -c %s "$core")" -le $((free_mib * 1048576 - 512)) ] ||
        die "the boot loader is too large for the room before the partition"
    dd if="$modules/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
    dd if="$core" of="$disk" bs=512 seek=1 conv=notrunc status=none
    patch "$(little_endian 0x50151ce0)" "$disk" 440
    patch '\x55\xaa' "$disk" 510
}

# Prints one entry of the lock's "files".
lock_file() {
    printf '    "%s": { "path": "%s", "sha256": "sha256:%s", "bytes": %s }' \
        "$1" "$2" "$(sha256sum <"$work/out/$2" | cut -c1-64)" "$(stat -c %s "$work/out/$2")"
}

# Prints the lock's "packages", one per line.
lock_packages() {
    local file digest separator=''
    while read -r file digest; do
        local version=${file#*_}
        version=${version%_*}
        printf '%b    { "name": "%s", "version": "%s", "sha256": "%s" }' \
            "$separator" "${file%%_*}" "${version//%3a/:}" "$digest"
        separator=',\n'
    done <"$work/resolved"
}

# Prints "files" and "boot" of the lock of a disk that boots by itself: its size
# in MiB, and which firmware starts it.
lock_disk() {
    local disk
    disk=$(lock_file disk disk.raw.zst)
    cat <<-BOOT
		  "files": {
		${disk% \}}, "format": "raw_zstd", "virtual_bytes": $(($1 * 1048576)) }
		  },
		  "boot": { "kind": "disk", "firmware": "$2", "seed": "no_cloud" },
	BOOT
}

# Prints a lock; $1 is its "files" and "boot".
write_lock() {
    cat <<-LOCK
		{
		  "name": "$name",
		$1
		  "packages": [
		$(lock_packages)
		  ]
		}
	LOCK
}

# Puts the finished image in the place of the old one.
publish() {
    local old=$work/old
    mkdir -p "$out"
    chmod 755 "$work/out"
    mv -T "$out" "$old"
    mv -T "$work/out" "$out"
}

parse_arguments() {
    agent='' out='' cache=''
    while [ $# -gt 0 ]; do
        if take_option "$1"; then
            shift
            continue
        fi
        [ $# -ge 2 ] || usage
        case $1 in
        --agent) agent=$2 ;;
        --out) out=$2 ;;
        --cache) cache=$2 ;;
        *) usage ;;
        esac
        shift 2
    done
    [ -n "$out" ] || usage
    if [ "$wants_agent" = no ]; then
        agent=''
    else
        [ -n "$agent" ] || usage
        [ -f "$agent" ] || die "there is no agent at $agent"
        agent=$(realpath "$agent")
    fi
    mkdir -p "$(dirname "$out")"
    out=$(realpath "$out")
    cache=${cache:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/solstice/packages}
    mkdir -p "$cache"
    cache=$(realpath "$cache")
}

recipe_main() {
    local quick full
    parse_arguments "$@"
    check_tools
    exec 9>"$(dirname "$out")/.$(basename "$out").building"
    flock 9
    quick=$({ recipe_digest; lists_stamp; } | sha256sum | cut -c1-64)
    if is_complete && grep -qx "quick $quick" "$out/.inputs"; then up_to_date; fi

    # What a build that was killed left behind; the lock says that none is under way.
    rm -rf "$(dirname "$out")/.$(basename "$out")".work.*
    work=$(mktemp -d "$(dirname "$out")/.$(basename "$out").work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    before_resolving "$@"
    resolve_packages >"$work/resolved"
    full=$({ recipe_digest; cat "$work/resolved"; } | sha256sum | cut -c1-64)
    if is_complete && grep -qx "full $full" "$out/.inputs"; then
        printf 'full %s\nquick %s\n' "$full" "$quick" >"$out/.inputs"
        up_to_date
    fi
    fetch_packages
    mkdir "$work/out"
    assemble_image
    printf 'full %s\nquick %s\n' "$full" "$quick" >"$work/out/.inputs"
    publish
    say "built: $out"
}
