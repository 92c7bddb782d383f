#compdef cidev

autoload -U is-at-least

_cidev() {
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
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_cidev_commands" \
"*::: :->cidev" \
&& ret=0
    case $state in
    (cidev)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cidev-command-$line[1]:"
        case $line[1] in
            (validate)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
'*::paths -- Workflow files, or directories of them:_files' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--json[Prints JSON\: an array of files and their workflows]' \
'-h[Print help]' \
'--help[Print help]' \
'*::paths -- Workflow files, or directories of them:_files' \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
'*-j+[Run this job and those that it needs; may be repeated]:ID:_default' \
'*--job=[Run this job and those that it needs; may be repeated]:ID:_default' \
'--event=[The event that the run is said to come of]:EVENT:((push\:"A push of the branch that is checked out"
pull-request\:"A pull request from it"
manual\:"Somebody asked for it"))' \
'--base=[The base branch of the pull request, for --event pull-request]:BRANCH:_default' \
'--images=[A folder of golden images\: one folder each, with an image.lock]:DIR:_files' \
'*--label=[Use the image NAME for jobs with this label; may be repeated]:LABEL=NAME:_default' \
'--machines=[Machines at once]:N:_default' \
'--cpus=[Virtual processors of a machine]:N:_default' \
'--memory=[Memory of a machine, such as 2GiB]:SIZE:_default' \
'--disk=[Root disk of a machine, such as 20GiB]:SIZE:_default' \
'--artifacts=[Put the jobs'\'' artifacts into DIR/JOB]:DIR:_files' \
'--report=[Write how each job ended to FILE, as JSON]:FILE:_files' \
'--shell-on-failure[When a step fails, open a shell in its machine; the job ends with it]' \
'--keep[Keep logs, consoles, artifacts and the machines'\'' disks, and say where]' \
'-v[Show what server and orchestrator say]' \
'--verbose[Show what server and orchestrator say]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::file -- The workflow file; without it, the only one of the work tree or .solstice/workflow.kdl:_files' \
&& ret=0
;;
(guest-relay)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':endpoint_file -- The file that says where guests are served:_files' \
&& ret=0
;;
(manual)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'-h[Print help]' \
'--help[Print help]' \
':shell -- Which shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--json[Prints JSON\: the workflow or the job]' \
'-h[Print help]' \
'--help[Print help]' \
':file -- The workflow file:_files' \
'::job -- The id of a job, or the name of one that its matrix makes; all without it:_default' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_cidev__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cidev-help-command-$line[1]:"
        case $line[1] in
            (validate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(guest-relay)
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
}

(( $+functions[_cidev_commands] )) ||
_cidev_commands() {
    local commands; commands=(
'validate:Says what is wrong with workflow files, and where' \
'list:Lists the jobs of workflow files' \
'run:Runs the workflow of the work tree in machines of this computer' \
'guest-relay:Relays one guest connection; started by QEMU' \
'manual:Prints the parts of the man page that the command line says' \
'completions:Prints what a shell needs to complete commands' \
'show:Shows a workflow, or one job of it, with every default filled in' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cidev commands' commands "$@"
}
(( $+functions[_cidev__subcmd__completions_commands] )) ||
_cidev__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'cidev completions commands' commands "$@"
}
(( $+functions[_cidev__subcmd__guest-relay_commands] )) ||
_cidev__subcmd__guest-relay_commands() {
    local commands; commands=()
    _describe -t commands 'cidev guest-relay commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help_commands] )) ||
_cidev__subcmd__help_commands() {
    local commands; commands=(
'validate:Says what is wrong with workflow files, and where' \
'list:Lists the jobs of workflow files' \
'run:Runs the workflow of the work tree in machines of this computer' \
'guest-relay:Relays one guest connection; started by QEMU' \
'manual:Prints the parts of the man page that the command line says' \
'completions:Prints what a shell needs to complete commands' \
'show:Shows a workflow, or one job of it, with every default filled in' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cidev help commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__completions_commands] )) ||
_cidev__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help completions commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__guest-relay_commands] )) ||
_cidev__subcmd__help__subcmd__guest-relay_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help guest-relay commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__help_commands] )) ||
_cidev__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help help commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__list_commands] )) ||
_cidev__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help list commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__manual_commands] )) ||
_cidev__subcmd__help__subcmd__manual_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help manual commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__run_commands] )) ||
_cidev__subcmd__help__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help run commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__show_commands] )) ||
_cidev__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help show commands' commands "$@"
}
(( $+functions[_cidev__subcmd__help__subcmd__validate_commands] )) ||
_cidev__subcmd__help__subcmd__validate_commands() {
    local commands; commands=()
    _describe -t commands 'cidev help validate commands' commands "$@"
}
(( $+functions[_cidev__subcmd__list_commands] )) ||
_cidev__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'cidev list commands' commands "$@"
}
(( $+functions[_cidev__subcmd__manual_commands] )) ||
_cidev__subcmd__manual_commands() {
    local commands; commands=()
    _describe -t commands 'cidev manual commands' commands "$@"
}
(( $+functions[_cidev__subcmd__run_commands] )) ||
_cidev__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'cidev run commands' commands "$@"
}
(( $+functions[_cidev__subcmd__show_commands] )) ||
_cidev__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'cidev show commands' commands "$@"
}
(( $+functions[_cidev__subcmd__validate_commands] )) ||
_cidev__subcmd__validate_commands() {
    local commands; commands=()
    _describe -t commands 'cidev validate commands' commands "$@"
}

if [ "$funcstack[1]" = "_cidev" ]; then
    _cidev "$@"
else
    compdef _cidev cidev
fi
