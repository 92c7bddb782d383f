#compdef ciadm

autoload -U is-at-least

_ciadm() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_ciadm_commands" \
"*::: :->ciadm" \
&& ret=0
    case $state in
    (ciadm)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-command-$line[1]:"
        case $line[1] in
            (login)
_arguments "${_arguments_options[@]}" : \
'--token-file=[Read the token from this file; otherwise from standard input]:FILE:_files' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':url -- Where people reach the server, such as https\://ci.example.org:_default' \
&& ret=0
;;
(logout)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(whoami)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(runs)
_arguments "${_arguments_options[@]}" : \
'--repo=[Only this repository'\''s, \`owner/name\`]:REPO:_default' \
'--limit=[At most so many]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__run_commands" \
"*::: :->run" \
&& ret=0

    case $state in
    (run)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-run-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':id -- An id, the last eight digits of one, or RUN/NAME for a job:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__run__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-run-help-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(jobs)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':run -- The run\: its id or the last eight digits of it:_default' \
&& ret=0
;;
(job)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__job_commands" \
"*::: :->job" \
&& ret=0

    case $state in
    (job)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-job-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':job -- The job\: its id, the last eight digits of it, or RUN/NAME:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__job__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-job-help-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(why)
_arguments "${_arguments_options[@]}" : \
'()--delivery=[What became of a delivery of a forge'\''s, by our id]:ID:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
'::what -- A job or a run as elsewhere, or OWNER/NAME@SHA for what came of a commit:_default' \
&& ret=0
;;
(logs)
_arguments "${_arguments_options[@]}" : \
'--attempt=[Of this attempt, from 1; the last one if left out]:N:_default' \
'--tail=[Only so many lines from the end]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'(--attempt --tail)-f[Go on until the job has ended; exit 1 if it failed]' \
'(--attempt --tail)--follow[Go on until the job has ended; exit 1 if it failed]' \
'(--json)--raw[Every byte as it was written, without headings]' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':job -- The job\: its id, the last eight digits of it, or RUN/NAME:_default' \
&& ret=0
;;
(artifacts)
_arguments "${_arguments_options[@]}" : \
'--download=[Write them below this folder, which is made if need be]:DIR:_files' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':job -- The job\: its id, the last eight digits of it, or RUN/NAME:_default' \
&& ret=0
;;
(trigger)
_arguments "${_arguments_options[@]}" : \
'--forge=[The forge; may be left out if the server has one]:FORGE:_default' \
'--ref=[A branch, a tag or a full ref; the default branch if left out]:REF:_default' \
'--commit=[The commit, if not where the ref is now]:SHA:_default' \
'--file=[Only this workflow file, such as .solstice/release.kdl]:PATH:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-f[Show what the jobs do until they have ended]' \
'--follow[Show what the jobs do until they have ended]' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':repository -- The repository, `owner/name`:_default' \
&& ret=0
;;
(approve)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':id -- An id, the last eight digits of one, or RUN/NAME for a job:_default' \
&& ret=0
;;
(cancel)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':id -- An id, the last eight digits of one, or RUN/NAME for a job:_default' \
&& ret=0
;;
(rerun)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'--failed[Of a run, only the jobs that did not succeed]' \
'-h[Print help]' \
'--help[Print help]' \
':id -- An id, the last eight digits of one, or RUN/NAME for a job:_default' \
&& ret=0
;;
(watch)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--once[Show what there is now, and end]' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(queue)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(repositories)
_arguments "${_arguments_options[@]}" : \
'--limit=[At most so many]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(hosts)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(host)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__host_commands" \
"*::: :->host" \
&& ret=0

    case $state in
    (host)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-host-command-$line[1]:"
        case $line[1] in
            (drain)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':name -- Its name, as `hosts` shows it:_default' \
&& ret=0
;;
(undrain)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':name -- Its name, as `hosts` shows it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__host__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-host-help-command-$line[1]:"
        case $line[1] in
            (drain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(undrain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(forge)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__forge_commands" \
"*::: :->forge" \
&& ret=0

    case $state in
    (forge)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-forge-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__forge__subcmd__add_commands" \
"*::: :->add" \
&& ret=0

    case $state in
    (add)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-forge-add-command-$line[1]:"
        case $line[1] in
            (github)
_arguments "${_arguments_options[@]}" : \
'--server-url=[Where people reach the server, such as https\://ci.example.org]:URL:_default' \
'--webhook-url=[Where GitHub reaches its webhooks; by default /webhooks/NAME there]:URL:_default' \
'--out=[The folder for the App'\''s key and its webhook secret]:DIR:_files' \
'--organization=[The organization that is to own the App; by default it is yours]:NAME:_default' \
'--github-url=[GitHub'\''s own address]:URL:_default' \
'--name=[The name of the forge in the server'\''s configuration]:NAME:_default' \
'--app-name=[The name of the App, which nobody else on GitHub may have; by default made of the server'\''s]:NAME:_default' \
'--wait=[How long to wait for GitHub]:DURATION:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__forge__subcmd__add__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-forge-add-help-command-$line[1]:"
        case $line[1] in
            (github)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__forge__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-forge-help-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__forge__subcmd__help__subcmd__add_commands" \
"*::: :->add" \
&& ret=0

    case $state in
    (add)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-forge-help-add-command-$line[1]:"
        case $line[1] in
            (github)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(images)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(image)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__image_commands" \
"*::: :->image" \
&& ret=0

    case $state in
    (image)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-image-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--dataset=[The host'\''s ZFS dataset; golden volumes are in DATASET/images]:DATASET:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(lock)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--name=[The name to give it]:NAME:_default' \
'--sha256=[The digest that its maker published\: 64 hexadecimal digits]:HEX:_default' \
'--format=[How the disk is written into the file; found out if left out]:FORMAT:(raw raw.zst qcow2 qcow2.zst)' \
'--firmware=[Which firmware starts it]:FIRMWARE:(bios uefi)' \
'--seed=[What its guest reads to learn who it is]:SEED:(no_cloud metadata_agent)' \
'--agent=[The agent'\''s program for that guest, if the disk has none]:FILE:_default' \
'--disk=[Its file]:FILE:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(fetch)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--name=[The name to give it]:NAME:_default' \
'--sha256=[The digest that its maker published\: 64 hexadecimal digits]:HEX:_default' \
'--format=[How the disk is written into the file; found out if left out]:FORMAT:(raw raw.zst qcow2 qcow2.zst)' \
'--firmware=[Which firmware starts it]:FIRMWARE:(bios uefi)' \
'--seed=[What its guest reads to learn who it is]:SEED:(no_cloud metadata_agent)' \
'--agent=[The agent'\''s program for that guest, if the disk has none]:FILE:_default' \
'--max-gib=[The largest file that is taken, in GiB]:GIB:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':url -- Where the disk is\: http\:// or https\://:_default' \
&& ret=0
;;
(import)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--dataset=[The host'\''s ZFS dataset; the volume will be in DATASET/images]:DATASET:_default' \
'()--lock=[The lock of an image that is in no store]:FILE:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::name -- The image'\''s name:_default' \
'::version -- The version, as `list` shows it; may be left out if there is one:_default' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--dataset=[The host'\''s ZFS dataset; golden volumes are in DATASET/images]:DATASET:_default' \
'()--lock=[The lock of an image that is in no store]:FILE:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
'::name -- The image'\''s name:_default' \
'::version -- The version, as `list` shows it; may be left out if there is one:_default' \
&& ret=0
;;
(relock)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':lock -- The lock:_default' \
&& ret=0
;;
(promote)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
':name -- The image'\''s name:_default' \
'::version -- The version, as `list` shows it; may be left out if there is one:_default' \
&& ret=0
;;
(gc)
_arguments "${_arguments_options[@]}" : \
'--store=[The folder of the images]:DIR:_default' \
'--dataset=[The host'\''s ZFS dataset; golden volumes are in DATASET/images]:DATASET:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--dry-run[Only say what would be removed]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__image__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-image-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(lock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(fetch)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(import)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(relock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(promote)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(gc)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(tokens)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__tokens_commands" \
"*::: :->tokens" \
&& ret=0

    case $state in
    (tokens)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-tokens-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(create)
_arguments "${_arguments_options[@]}" : \
'--role=[What it opens\: reader, submitter, operator, admin or host]:ROLE:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':name -- Its name, unique; for the role host, the host'\''s name:_default' \
&& ret=0
;;
(revoke)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':name -- Its name:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__tokens__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-tokens-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(create)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(revoke)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(audit)
_arguments "${_arguments_options[@]}" : \
'--who=[Only what this one did\: a token'\''s name, or USER@FORGE]:NAME:_default' \
'--action=[Only such actions, as the table shows them]:ACTION:_default' \
'--object=[Only what was done to this, such as run\:ID or token\:NAME]:KIND:ID:_default' \
'--limit=[At most so many, newest first]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(deliveries)
_arguments "${_arguments_options[@]}" : \
'--limit=[At most so many]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ciadm__subcmd__deliveries_commands" \
"*::: :->deliveries" \
&& ret=0

    case $state in
    (deliveries)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-deliveries-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'--limit=[At most so many]:N:_default' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--body[Write its body as it came, and nothing else]' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':delivery -- Our id of the delivery, or the last eight digits of it:_default' \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
':delivery -- Our id of the delivery, or the last eight digits of it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__deliveries__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-deliveries-help-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(retention)
_arguments "${_arguments_options[@]}" : \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--dry-run[Only say what would be removed]' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
'--server-config=[The server'\''s configuration, if a server is on this computer]:PATH:_files' \
'--orchestrator-config=[The orchestrator'\''s configuration, if one is on this computer]:PATH:_files' \
'--profile=[The profile that \`login\` wrote]:NAME:_default' \
'--color=[When to use colours]:WHEN:(auto always never)' \
'--json[Print JSON]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(manual)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--color=[When to use colours]:WHEN:(auto always never)' \
'-h[Print help]' \
'--help[Print help]' \
':shell -- Which shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-command-$line[1]:"
        case $line[1] in
            (login)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(logout)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(whoami)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(runs)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__run_commands" \
"*::: :->run" \
&& ret=0

    case $state in
    (run)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-run-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(jobs)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(job)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__job_commands" \
"*::: :->job" \
&& ret=0

    case $state in
    (job)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-job-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(why)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(logs)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(artifacts)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(trigger)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(approve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cancel)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(rerun)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(watch)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(queue)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(repositories)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(hosts)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(host)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__host_commands" \
"*::: :->host" \
&& ret=0

    case $state in
    (host)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-host-command-$line[1]:"
        case $line[1] in
            (drain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(undrain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(forge)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__forge_commands" \
"*::: :->forge" \
&& ret=0

    case $state in
    (forge)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-forge-command-$line[1]:"
        case $line[1] in
            (add)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__forge__subcmd__add_commands" \
"*::: :->add" \
&& ret=0

    case $state in
    (add)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-forge-add-command-$line[1]:"
        case $line[1] in
            (github)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(images)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(image)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__image_commands" \
"*::: :->image" \
&& ret=0

    case $state in
    (image)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-image-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(lock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(fetch)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(import)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(relock)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(promote)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(gc)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(tokens)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__tokens_commands" \
"*::: :->tokens" \
&& ret=0

    case $state in
    (tokens)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-tokens-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(create)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(revoke)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(audit)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(deliveries)
_arguments "${_arguments_options[@]}" : \
":: :_ciadm__subcmd__help__subcmd__deliveries_commands" \
"*::: :->deliveries" \
&& ret=0

    case $state in
    (deliveries)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ciadm-help-deliveries-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(retention)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(doctor)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(manual)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_ciadm_commands] )) ||
_ciadm_commands() {
    local commands; commands=(
'login:Keep a server and a token for it' \
'logout:Forget a server and its token' \
'whoami:Show whose token it is' \
'runs:List runs, newest first' \
'run:A run' \
'jobs:List the jobs of a run' \
'job:A job' \
'why:Tell why a job waits, runs, was skipped or failed, and what helps' \
'logs:Show what a job wrote' \
'artifacts:List or download what a job left' \
'trigger:Start the workflows of a repository that may be started by hand' \
'approve:Let a run that waits for an approval go on' \
'cancel:Cancel a job, or what is not finished of a run' \
'rerun:Run a job, or the jobs of a run, once more' \
'watch:Watch the jobs that are not finished' \
'queue:Show what is on machines and what waits, in the order of the queue' \
'repositories:List the repositories that have had runs' \
'hosts:List the hosts' \
'host:A host' \
'forge:Connect the server with a forge' \
'images:List the golden images of all hosts' \
'image:The golden images of this host' \
'tokens:Who may do what' \
'audit:Show who did what, when and from where' \
'deliveries:What the forges sent, and what became of it' \
'retention:Remove what is old or too much, as the server'\''s configuration says' \
'doctor:Look whether this computer and the server are as they should be' \
'manual:Print the parts of the man page that the command line says' \
'completions:Print what a shell needs to complete commands' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__approve_commands] )) ||
_ciadm__subcmd__approve_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm approve commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__artifacts_commands] )) ||
_ciadm__subcmd__artifacts_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm artifacts commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__audit_commands] )) ||
_ciadm__subcmd__audit_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm audit commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__cancel_commands] )) ||
_ciadm__subcmd__cancel_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm cancel commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__completions_commands] )) ||
_ciadm__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm completions commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries_commands] )) ||
_ciadm__subcmd__deliveries_commands() {
    local commands; commands=(
'list:List deliveries, newest first' \
'show:Show a delivery, or its body' \
'replay:Have a delivery interpreted again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm deliveries commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__help_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__help_commands() {
    local commands; commands=(
'list:List deliveries, newest first' \
'show:Show a delivery, or its body' \
'replay:Have a delivery interpreted again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm deliveries help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__help__subcmd__list_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries help list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__help__subcmd__replay_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__help__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries help replay commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__help__subcmd__show_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries help show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__list_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__replay_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries replay commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__deliveries__subcmd__show_commands] )) ||
_ciadm__subcmd__deliveries__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm deliveries show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__doctor_commands] )) ||
_ciadm__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm doctor commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge_commands] )) ||
_ciadm__subcmd__forge_commands() {
    local commands; commands=(
'add:Make the server known to a forge' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm forge commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__add_commands] )) ||
_ciadm__subcmd__forge__subcmd__add_commands() {
    local commands; commands=(
'github:Make a GitHub App, and keep its key and webhook secret' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm forge add commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__add__subcmd__github_commands] )) ||
_ciadm__subcmd__forge__subcmd__add__subcmd__github_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm forge add github commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__add__subcmd__help_commands] )) ||
_ciadm__subcmd__forge__subcmd__add__subcmd__help_commands() {
    local commands; commands=(
'github:Make a GitHub App, and keep its key and webhook secret' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm forge add help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__add__subcmd__help__subcmd__github_commands] )) ||
_ciadm__subcmd__forge__subcmd__add__subcmd__help__subcmd__github_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm forge add help github commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__add__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__forge__subcmd__add__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm forge add help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__help_commands] )) ||
_ciadm__subcmd__forge__subcmd__help_commands() {
    local commands; commands=(
'add:Make the server known to a forge' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm forge help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__help__subcmd__add_commands] )) ||
_ciadm__subcmd__forge__subcmd__help__subcmd__add_commands() {
    local commands; commands=(
'github:Make a GitHub App, and keep its key and webhook secret' \
    )
    _describe -t commands 'ciadm forge help add commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__help__subcmd__add__subcmd__github_commands] )) ||
_ciadm__subcmd__forge__subcmd__help__subcmd__add__subcmd__github_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm forge help add github commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__forge__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__forge__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm forge help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help_commands] )) ||
_ciadm__subcmd__help_commands() {
    local commands; commands=(
'login:Keep a server and a token for it' \
'logout:Forget a server and its token' \
'whoami:Show whose token it is' \
'runs:List runs, newest first' \
'run:A run' \
'jobs:List the jobs of a run' \
'job:A job' \
'why:Tell why a job waits, runs, was skipped or failed, and what helps' \
'logs:Show what a job wrote' \
'artifacts:List or download what a job left' \
'trigger:Start the workflows of a repository that may be started by hand' \
'approve:Let a run that waits for an approval go on' \
'cancel:Cancel a job, or what is not finished of a run' \
'rerun:Run a job, or the jobs of a run, once more' \
'watch:Watch the jobs that are not finished' \
'queue:Show what is on machines and what waits, in the order of the queue' \
'repositories:List the repositories that have had runs' \
'hosts:List the hosts' \
'host:A host' \
'forge:Connect the server with a forge' \
'images:List the golden images of all hosts' \
'image:The golden images of this host' \
'tokens:Who may do what' \
'audit:Show who did what, when and from where' \
'deliveries:What the forges sent, and what became of it' \
'retention:Remove what is old or too much, as the server'\''s configuration says' \
'doctor:Look whether this computer and the server are as they should be' \
'manual:Print the parts of the man page that the command line says' \
'completions:Print what a shell needs to complete commands' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__approve_commands] )) ||
_ciadm__subcmd__help__subcmd__approve_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help approve commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__artifacts_commands] )) ||
_ciadm__subcmd__help__subcmd__artifacts_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help artifacts commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__audit_commands] )) ||
_ciadm__subcmd__help__subcmd__audit_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help audit commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__cancel_commands] )) ||
_ciadm__subcmd__help__subcmd__cancel_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help cancel commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__completions_commands] )) ||
_ciadm__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help completions commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__deliveries_commands] )) ||
_ciadm__subcmd__help__subcmd__deliveries_commands() {
    local commands; commands=(
'list:List deliveries, newest first' \
'show:Show a delivery, or its body' \
'replay:Have a delivery interpreted again' \
    )
    _describe -t commands 'ciadm help deliveries commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__deliveries__subcmd__list_commands] )) ||
_ciadm__subcmd__help__subcmd__deliveries__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help deliveries list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__deliveries__subcmd__replay_commands] )) ||
_ciadm__subcmd__help__subcmd__deliveries__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help deliveries replay commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__deliveries__subcmd__show_commands] )) ||
_ciadm__subcmd__help__subcmd__deliveries__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help deliveries show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__doctor_commands] )) ||
_ciadm__subcmd__help__subcmd__doctor_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help doctor commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__forge_commands] )) ||
_ciadm__subcmd__help__subcmd__forge_commands() {
    local commands; commands=(
'add:Make the server known to a forge' \
    )
    _describe -t commands 'ciadm help forge commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__forge__subcmd__add_commands] )) ||
_ciadm__subcmd__help__subcmd__forge__subcmd__add_commands() {
    local commands; commands=(
'github:Make a GitHub App, and keep its key and webhook secret' \
    )
    _describe -t commands 'ciadm help forge add commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__forge__subcmd__add__subcmd__github_commands] )) ||
_ciadm__subcmd__help__subcmd__forge__subcmd__add__subcmd__github_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help forge add github commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__host_commands] )) ||
_ciadm__subcmd__help__subcmd__host_commands() {
    local commands; commands=(
'drain:Give a host no further job; what runs there goes on' \
'undrain:Give a host jobs again' \
    )
    _describe -t commands 'ciadm help host commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__host__subcmd__drain_commands] )) ||
_ciadm__subcmd__help__subcmd__host__subcmd__drain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help host drain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__host__subcmd__undrain_commands] )) ||
_ciadm__subcmd__help__subcmd__host__subcmd__undrain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help host undrain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__hosts_commands] )) ||
_ciadm__subcmd__help__subcmd__hosts_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help hosts commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image_commands] )) ||
_ciadm__subcmd__help__subcmd__image_commands() {
    local commands; commands=(
'list:Show the versions of every image' \
'lock:Take a disk that somebody else made into the store, as it is' \
'fetch:Download a disk that somebody publishes, and take it into the store' \
'import:Bring an image'\''s disk into the ZFS pool; needs root' \
'verify:Compare every file of an image, and its golden volume, with its lock' \
'relock:Write down anew what the files of a lock are, after a change that was meant' \
'promote:Make a version the one that hosts use' \
'gc:Remove versions that are not current, unless machines live on them' \
    )
    _describe -t commands 'ciadm help image commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__fetch_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__fetch_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image fetch commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__gc_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__gc_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image gc commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__import_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__import_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image import commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__list_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__lock_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__lock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image lock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__promote_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__promote_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image promote commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__relock_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__relock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image relock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__image__subcmd__verify_commands] )) ||
_ciadm__subcmd__help__subcmd__image__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help image verify commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__images_commands] )) ||
_ciadm__subcmd__help__subcmd__images_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help images commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__job_commands] )) ||
_ciadm__subcmd__help__subcmd__job_commands() {
    local commands; commands=(
'show:Show a job, its attempts and its steps' \
    )
    _describe -t commands 'ciadm help job commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__job__subcmd__show_commands] )) ||
_ciadm__subcmd__help__subcmd__job__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help job show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__jobs_commands] )) ||
_ciadm__subcmd__help__subcmd__jobs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help jobs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__login_commands] )) ||
_ciadm__subcmd__help__subcmd__login_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help login commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__logout_commands] )) ||
_ciadm__subcmd__help__subcmd__logout_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help logout commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__logs_commands] )) ||
_ciadm__subcmd__help__subcmd__logs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help logs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__manual_commands] )) ||
_ciadm__subcmd__help__subcmd__manual_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help manual commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__queue_commands] )) ||
_ciadm__subcmd__help__subcmd__queue_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help queue commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__repositories_commands] )) ||
_ciadm__subcmd__help__subcmd__repositories_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help repositories commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__rerun_commands] )) ||
_ciadm__subcmd__help__subcmd__rerun_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help rerun commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__retention_commands] )) ||
_ciadm__subcmd__help__subcmd__retention_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help retention commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__run_commands] )) ||
_ciadm__subcmd__help__subcmd__run_commands() {
    local commands; commands=(
'show:Show a run and its jobs' \
    )
    _describe -t commands 'ciadm help run commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__run__subcmd__show_commands] )) ||
_ciadm__subcmd__help__subcmd__run__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help run show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__runs_commands] )) ||
_ciadm__subcmd__help__subcmd__runs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help runs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__tokens_commands] )) ||
_ciadm__subcmd__help__subcmd__tokens_commands() {
    local commands; commands=(
'list:List tokens, without their secrets' \
'create:Make a token and print its secret, which is not shown again' \
'revoke:Make a token useless' \
    )
    _describe -t commands 'ciadm help tokens commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__tokens__subcmd__create_commands] )) ||
_ciadm__subcmd__help__subcmd__tokens__subcmd__create_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help tokens create commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__tokens__subcmd__list_commands] )) ||
_ciadm__subcmd__help__subcmd__tokens__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help tokens list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__tokens__subcmd__revoke_commands] )) ||
_ciadm__subcmd__help__subcmd__tokens__subcmd__revoke_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help tokens revoke commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__trigger_commands] )) ||
_ciadm__subcmd__help__subcmd__trigger_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help trigger commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__watch_commands] )) ||
_ciadm__subcmd__help__subcmd__watch_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help watch commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__whoami_commands] )) ||
_ciadm__subcmd__help__subcmd__whoami_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help whoami commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__help__subcmd__why_commands] )) ||
_ciadm__subcmd__help__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm help why commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host_commands] )) ||
_ciadm__subcmd__host_commands() {
    local commands; commands=(
'drain:Give a host no further job; what runs there goes on' \
'undrain:Give a host jobs again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm host commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__drain_commands] )) ||
_ciadm__subcmd__host__subcmd__drain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm host drain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__help_commands] )) ||
_ciadm__subcmd__host__subcmd__help_commands() {
    local commands; commands=(
'drain:Give a host no further job; what runs there goes on' \
'undrain:Give a host jobs again' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm host help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__help__subcmd__drain_commands] )) ||
_ciadm__subcmd__host__subcmd__help__subcmd__drain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm host help drain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__host__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm host help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__help__subcmd__undrain_commands] )) ||
_ciadm__subcmd__host__subcmd__help__subcmd__undrain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm host help undrain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__host__subcmd__undrain_commands] )) ||
_ciadm__subcmd__host__subcmd__undrain_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm host undrain commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__hosts_commands] )) ||
_ciadm__subcmd__hosts_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm hosts commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image_commands] )) ||
_ciadm__subcmd__image_commands() {
    local commands; commands=(
'list:Show the versions of every image' \
'lock:Take a disk that somebody else made into the store, as it is' \
'fetch:Download a disk that somebody publishes, and take it into the store' \
'import:Bring an image'\''s disk into the ZFS pool; needs root' \
'verify:Compare every file of an image, and its golden volume, with its lock' \
'relock:Write down anew what the files of a lock are, after a change that was meant' \
'promote:Make a version the one that hosts use' \
'gc:Remove versions that are not current, unless machines live on them' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm image commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__fetch_commands] )) ||
_ciadm__subcmd__image__subcmd__fetch_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image fetch commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__gc_commands] )) ||
_ciadm__subcmd__image__subcmd__gc_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image gc commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help_commands] )) ||
_ciadm__subcmd__image__subcmd__help_commands() {
    local commands; commands=(
'list:Show the versions of every image' \
'lock:Take a disk that somebody else made into the store, as it is' \
'fetch:Download a disk that somebody publishes, and take it into the store' \
'import:Bring an image'\''s disk into the ZFS pool; needs root' \
'verify:Compare every file of an image, and its golden volume, with its lock' \
'relock:Write down anew what the files of a lock are, after a change that was meant' \
'promote:Make a version the one that hosts use' \
'gc:Remove versions that are not current, unless machines live on them' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm image help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__fetch_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__fetch_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help fetch commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__gc_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__gc_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help gc commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__import_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__import_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help import commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__list_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__lock_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__lock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help lock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__promote_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__promote_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help promote commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__relock_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__relock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help relock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__help__subcmd__verify_commands] )) ||
_ciadm__subcmd__image__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image help verify commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__import_commands] )) ||
_ciadm__subcmd__image__subcmd__import_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image import commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__list_commands] )) ||
_ciadm__subcmd__image__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__lock_commands] )) ||
_ciadm__subcmd__image__subcmd__lock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image lock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__promote_commands] )) ||
_ciadm__subcmd__image__subcmd__promote_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image promote commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__relock_commands] )) ||
_ciadm__subcmd__image__subcmd__relock_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image relock commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__image__subcmd__verify_commands] )) ||
_ciadm__subcmd__image__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm image verify commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__images_commands] )) ||
_ciadm__subcmd__images_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm images commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__job_commands] )) ||
_ciadm__subcmd__job_commands() {
    local commands; commands=(
'show:Show a job, its attempts and its steps' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm job commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__job__subcmd__help_commands] )) ||
_ciadm__subcmd__job__subcmd__help_commands() {
    local commands; commands=(
'show:Show a job, its attempts and its steps' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm job help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__job__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__job__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm job help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__job__subcmd__help__subcmd__show_commands] )) ||
_ciadm__subcmd__job__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm job help show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__job__subcmd__show_commands] )) ||
_ciadm__subcmd__job__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm job show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__jobs_commands] )) ||
_ciadm__subcmd__jobs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm jobs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__login_commands] )) ||
_ciadm__subcmd__login_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm login commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__logout_commands] )) ||
_ciadm__subcmd__logout_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm logout commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__logs_commands] )) ||
_ciadm__subcmd__logs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm logs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__manual_commands] )) ||
_ciadm__subcmd__manual_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm manual commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__queue_commands] )) ||
_ciadm__subcmd__queue_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm queue commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__repositories_commands] )) ||
_ciadm__subcmd__repositories_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm repositories commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__rerun_commands] )) ||
_ciadm__subcmd__rerun_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm rerun commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__retention_commands] )) ||
_ciadm__subcmd__retention_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm retention commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__run_commands] )) ||
_ciadm__subcmd__run_commands() {
    local commands; commands=(
'show:Show a run and its jobs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm run commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__run__subcmd__help_commands] )) ||
_ciadm__subcmd__run__subcmd__help_commands() {
    local commands; commands=(
'show:Show a run and its jobs' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm run help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__run__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__run__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm run help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__run__subcmd__help__subcmd__show_commands] )) ||
_ciadm__subcmd__run__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm run help show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__run__subcmd__show_commands] )) ||
_ciadm__subcmd__run__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm run show commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__runs_commands] )) ||
_ciadm__subcmd__runs_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm runs commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens_commands] )) ||
_ciadm__subcmd__tokens_commands() {
    local commands; commands=(
'list:List tokens, without their secrets' \
'create:Make a token and print its secret, which is not shown again' \
'revoke:Make a token useless' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm tokens commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__create_commands] )) ||
_ciadm__subcmd__tokens__subcmd__create_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens create commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__help_commands] )) ||
_ciadm__subcmd__tokens__subcmd__help_commands() {
    local commands; commands=(
'list:List tokens, without their secrets' \
'create:Make a token and print its secret, which is not shown again' \
'revoke:Make a token useless' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ciadm tokens help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__help__subcmd__create_commands] )) ||
_ciadm__subcmd__tokens__subcmd__help__subcmd__create_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens help create commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__help__subcmd__help_commands] )) ||
_ciadm__subcmd__tokens__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens help help commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__help__subcmd__list_commands] )) ||
_ciadm__subcmd__tokens__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens help list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__help__subcmd__revoke_commands] )) ||
_ciadm__subcmd__tokens__subcmd__help__subcmd__revoke_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens help revoke commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__list_commands] )) ||
_ciadm__subcmd__tokens__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens list commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__tokens__subcmd__revoke_commands] )) ||
_ciadm__subcmd__tokens__subcmd__revoke_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm tokens revoke commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__trigger_commands] )) ||
_ciadm__subcmd__trigger_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm trigger commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__watch_commands] )) ||
_ciadm__subcmd__watch_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm watch commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__whoami_commands] )) ||
_ciadm__subcmd__whoami_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm whoami commands' commands "$@"
}
(( $+functions[_ciadm__subcmd__why_commands] )) ||
_ciadm__subcmd__why_commands() {
    local commands; commands=()
    _describe -t commands 'ciadm why commands' commands "$@"
}

if [ "$funcstack[1]" = "_ciadm" ]; then
    _ciadm "$@"
else
    compdef _ciadm ciadm
fi
