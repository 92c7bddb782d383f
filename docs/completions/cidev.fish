# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cidev_global_optspecs
    string join \n h/help V/version
end

function __fish_cidev_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cidev_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cidev_using_subcommand
    set -l cmd (__fish_cidev_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cidev -n "__fish_cidev_needs_command" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_needs_command" -s V -l version -d 'Print version'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "validate" -d 'Says what is wrong with workflow files, and where'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "list" -d 'Lists the jobs of workflow files'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "run" -d 'Runs the workflow of the work tree in machines of this computer'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "guest-relay" -d 'Relays one guest connection; started by QEMU'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "manual" -d 'Prints the parts of the man page that the command line says'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "completions" -d 'Prints what a shell needs to complete commands'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "show" -d 'Shows a workflow, or one job of it, with every default filled in'
complete -c cidev -n "__fish_cidev_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cidev -n "__fish_cidev_using_subcommand validate" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand list" -l json -d 'Prints JSON: an array of files and their workflows'
complete -c cidev -n "__fish_cidev_using_subcommand list" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand run" -s j -l job -d 'Run this job and those that it needs; may be repeated' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l event -d 'The event that the run is said to come of' -r -f -a "push\t'A push of the branch that is checked out'
pull-request\t'A pull request from it'
manual\t'Somebody asked for it'"
complete -c cidev -n "__fish_cidev_using_subcommand run" -l base -d 'The base branch of the pull request, for --event pull-request' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l images -d 'A folder of golden images: one folder each, with an image.lock' -r -F
complete -c cidev -n "__fish_cidev_using_subcommand run" -l label -d 'Use the image NAME for jobs with this label; may be repeated' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l machines -d 'Machines at once' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l cpus -d 'Virtual processors of a machine' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l memory -d 'Memory of a machine, such as 2GiB' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l disk -d 'Root disk of a machine, such as 20GiB' -r
complete -c cidev -n "__fish_cidev_using_subcommand run" -l artifacts -d 'Put the jobs\' artifacts into DIR/JOB' -r -F
complete -c cidev -n "__fish_cidev_using_subcommand run" -l report -d 'Write how each job ended to FILE, as JSON' -r -F
complete -c cidev -n "__fish_cidev_using_subcommand run" -l shell-on-failure -d 'When a step fails, open a shell in its machine; the job ends with it'
complete -c cidev -n "__fish_cidev_using_subcommand run" -l keep -d 'Keep logs, consoles, artifacts and the machines\' disks, and say where'
complete -c cidev -n "__fish_cidev_using_subcommand run" -s v -l verbose -d 'Show what server and orchestrator say'
complete -c cidev -n "__fish_cidev_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cidev -n "__fish_cidev_using_subcommand guest-relay" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand manual" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand completions" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand show" -l json -d 'Prints JSON: the workflow or the job'
complete -c cidev -n "__fish_cidev_using_subcommand show" -s h -l help -d 'Print help'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "validate" -d 'Says what is wrong with workflow files, and where'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "list" -d 'Lists the jobs of workflow files'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "run" -d 'Runs the workflow of the work tree in machines of this computer'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "guest-relay" -d 'Relays one guest connection; started by QEMU'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "manual" -d 'Prints the parts of the man page that the command line says'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "completions" -d 'Prints what a shell needs to complete commands'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "show" -d 'Shows a workflow, or one job of it, with every default filled in'
complete -c cidev -n "__fish_cidev_using_subcommand help; and not __fish_seen_subcommand_from validate list run guest-relay manual completions show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
