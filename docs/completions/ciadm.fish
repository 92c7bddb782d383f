# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ciadm_global_optspecs
    string join \n color= h/help V/version
end

function __fish_ciadm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ciadm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ciadm_using_subcommand
    set -l cmd (__fish_ciadm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ciadm -n "__fish_ciadm_needs_command" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_needs_command" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_needs_command" -s V -l version -d 'Print version'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "login" -d 'Keep a server and a token for it'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "logout" -d 'Forget a server and its token'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "whoami" -d 'Show whose token it is'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "runs" -d 'List runs, newest first'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "run" -d 'A run'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "jobs" -d 'List the jobs of a run'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "job" -d 'A job'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "why" -d 'Tell why a job waits, runs, was skipped or failed, and what helps'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "logs" -d 'Show what a job wrote'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "artifacts" -d 'List or download what a job left'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "trigger" -d 'Start the workflows of a repository that may be started by hand'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "approve" -d 'Let a run that waits for an approval go on'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "cancel" -d 'Cancel a job, or what is not finished of a run'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "rerun" -d 'Run a job, or the jobs of a run, once more'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "watch" -d 'Watch the jobs that are not finished'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "queue" -d 'Show what is on machines and what waits, in the order of the queue'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "repositories" -d 'List the repositories that have had runs'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "hosts" -d 'List the hosts'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "host" -d 'A host'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "forge" -d 'Connect the server with a forge'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "images" -d 'List the golden images of all hosts'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "image" -d 'The golden images of this host'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "tokens" -d 'Who may do what'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "audit" -d 'Show who did what, when and from where'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "deliveries" -d 'What the forges sent, and what became of it'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "retention" -d 'Remove what is old or too much, as the server\'s configuration says'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "doctor" -d 'Look whether this computer and the server are as they should be'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "manual" -d 'Print the parts of the man page that the command line says'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "completions" -d 'Print what a shell needs to complete commands'
complete -c ciadm -n "__fish_ciadm_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand login" -l token-file -d 'Read the token from this file; otherwise from standard input' -r -F
complete -c ciadm -n "__fish_ciadm_using_subcommand login" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand login" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand login" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand login" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand logout" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand logout" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand logout" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand logout" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand whoami" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand whoami" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand whoami" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand whoami" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -l repo -d 'Only this repository\'s, `owner/name`' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -l limit -d 'At most so many' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand runs" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and not __fish_seen_subcommand_from show help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and not __fish_seen_subcommand_from show help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and not __fish_seen_subcommand_from show help" -f -a "show" -d 'Show a run and its jobs'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and not __fish_seen_subcommand_from show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from show" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a run and its jobs'
complete -c ciadm -n "__fish_ciadm_using_subcommand run; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand jobs" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand jobs" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand jobs" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand jobs" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and not __fish_seen_subcommand_from show help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and not __fish_seen_subcommand_from show help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and not __fish_seen_subcommand_from show help" -f -a "show" -d 'Show a job, its attempts and its steps'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and not __fish_seen_subcommand_from show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from show" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a job, its attempts and its steps'
complete -c ciadm -n "__fish_ciadm_using_subcommand job; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand why" -l delivery -d 'What became of a delivery of a forge\'s, by our id' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand why" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand why" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand why" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand why" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l attempt -d 'Of this attempt, from 1; the last one if left out' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l tail -d 'Only so many lines from the end' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -s f -l follow -d 'Go on until the job has ended; exit 1 if it failed'
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l raw -d 'Every byte as it was written, without headings'
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand logs" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand artifacts" -l download -d 'Write them below this folder, which is made if need be' -r -F
complete -c ciadm -n "__fish_ciadm_using_subcommand artifacts" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand artifacts" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand artifacts" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand artifacts" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l forge -d 'The forge; may be left out if the server has one' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l ref -d 'A branch, a tag or a full ref; the default branch if left out' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l commit -d 'The commit, if not where the ref is now' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l file -d 'Only this workflow file, such as .solstice/release.kdl' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -s f -l follow -d 'Show what the jobs do until they have ended'
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand trigger" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand approve" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand approve" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand approve" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand approve" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand cancel" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand cancel" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand cancel" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand cancel" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand rerun" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand rerun" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand rerun" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand rerun" -l failed -d 'Of a run, only the jobs that did not succeed'
complete -c ciadm -n "__fish_ciadm_using_subcommand rerun" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand watch" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand watch" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand watch" -l once -d 'Show what there is now, and end'
complete -c ciadm -n "__fish_ciadm_using_subcommand watch" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand watch" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand queue" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand queue" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand queue" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand queue" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand repositories" -l limit -d 'At most so many' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand repositories" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand repositories" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand repositories" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand repositories" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand hosts" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand hosts" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand hosts" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand hosts" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and not __fish_seen_subcommand_from drain undrain help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and not __fish_seen_subcommand_from drain undrain help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and not __fish_seen_subcommand_from drain undrain help" -f -a "drain" -d 'Give a host no further job; what runs there goes on'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and not __fish_seen_subcommand_from drain undrain help" -f -a "undrain" -d 'Give a host jobs again'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and not __fish_seen_subcommand_from drain undrain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from drain" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from drain" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from drain" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from drain" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from undrain" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from undrain" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from undrain" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from undrain" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "drain" -d 'Give a host no further job; what runs there goes on'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "undrain" -d 'Give a host jobs again'
complete -c ciadm -n "__fish_ciadm_using_subcommand host; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and not __fish_seen_subcommand_from add help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and not __fish_seen_subcommand_from add help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and not __fish_seen_subcommand_from add help" -f -a "add" -d 'Make the server known to a forge'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and not __fish_seen_subcommand_from add help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from add" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from add" -f -a "github" -d 'Make a GitHub App, and keep its key and webhook secret'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from add" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from help" -f -a "add" -d 'Make the server known to a forge'
complete -c ciadm -n "__fish_ciadm_using_subcommand forge; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand images" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand images" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand images" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand images" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "list" -d 'Show the versions of every image'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "lock" -d 'Take a disk that somebody else made into the store, as it is'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "fetch" -d 'Download a disk that somebody publishes, and take it into the store'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "import" -d 'Bring an image\'s disk into the ZFS pool; needs root'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "verify" -d 'Compare every file of an image, and its golden volume, with its lock'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "relock" -d 'Write down anew what the files of a lock are, after a change that was meant'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "promote" -d 'Make a version the one that hosts use'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "gc" -d 'Remove versions that are not current, unless machines live on them'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and not __fish_seen_subcommand_from list lock fetch import verify relock promote gc help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from list" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from list" -l dataset -d 'The host\'s ZFS dataset; golden volumes are in DATASET/images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l name -d 'The name to give it' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l sha256 -d 'The digest that its maker published: 64 hexadecimal digits' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l format -d 'How the disk is written into the file; found out if left out' -r -f -a "raw\t''
raw.zst\t''
qcow2\t''
qcow2.zst\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l firmware -d 'Which firmware starts it' -r -f -a "bios\t''
uefi\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l seed -d 'What its guest reads to learn who it is' -r -f -a "no_cloud\t''
metadata_agent\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l agent -d 'The agent\'s program for that guest, if the disk has none' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l disk -d 'Its file' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l name -d 'The name to give it' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l sha256 -d 'The digest that its maker published: 64 hexadecimal digits' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l format -d 'How the disk is written into the file; found out if left out' -r -f -a "raw\t''
raw.zst\t''
qcow2\t''
qcow2.zst\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l firmware -d 'Which firmware starts it' -r -f -a "bios\t''
uefi\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l seed -d 'What its guest reads to learn who it is' -r -f -a "no_cloud\t''
metadata_agent\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l agent -d 'The agent\'s program for that guest, if the disk has none' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l max-gib -d 'The largest file that is taken, in GiB' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from import" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from import" -l dataset -d 'The host\'s ZFS dataset; the volume will be in DATASET/images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from import" -l lock -d 'The lock of an image that is in no store' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from import" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from verify" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from verify" -l dataset -d 'The host\'s ZFS dataset; golden volumes are in DATASET/images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from verify" -l lock -d 'The lock of an image that is in no store' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from relock" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from relock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from promote" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from promote" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from promote" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from gc" -l store -d 'The folder of the images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from gc" -l dataset -d 'The host\'s ZFS dataset; golden volumes are in DATASET/images' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from gc" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from gc" -l dry-run -d 'Only say what would be removed'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from gc" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show the versions of every image'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "lock" -d 'Take a disk that somebody else made into the store, as it is'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "fetch" -d 'Download a disk that somebody publishes, and take it into the store'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "import" -d 'Bring an image\'s disk into the ZFS pool; needs root'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare every file of an image, and its golden volume, with its lock'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "relock" -d 'Write down anew what the files of a lock are, after a change that was meant'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "promote" -d 'Make a version the one that hosts use'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "gc" -d 'Remove versions that are not current, unless machines live on them'
complete -c ciadm -n "__fish_ciadm_using_subcommand image; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -f -a "list" -d 'List tokens, without their secrets'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -f -a "create" -d 'Make a token and print its secret, which is not shown again'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -f -a "revoke" -d 'Make a token useless'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and not __fish_seen_subcommand_from list create revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from list" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from create" -l role -d 'What it opens: reader, submitter, operator, admin or host' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from create" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from create" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from create" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from revoke" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from revoke" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from revoke" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from help" -f -a "list" -d 'List tokens, without their secrets'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a token and print its secret, which is not shown again'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Make a token useless'
complete -c ciadm -n "__fish_ciadm_using_subcommand tokens; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l who -d 'Only what this one did: a token\'s name, or USER@FORGE' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l action -d 'Only such actions, as the table shows them' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l object -d 'Only what was done to this, such as run:ID or token:NAME' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l limit -d 'At most so many, newest first' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand audit" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -l limit -d 'At most so many' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -f -a "list" -d 'List deliveries, newest first'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -f -a "show" -d 'Show a delivery, or its body'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -f -a "replay" -d 'Have a delivery interpreted again'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and not __fish_seen_subcommand_from list show replay help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l body -d 'Write its body as it came, and nothing else'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from replay" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from replay" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from replay" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "list" -d 'List deliveries, newest first'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a delivery, or its body'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Have a delivery interpreted again'
complete -c ciadm -n "__fish_ciadm_using_subcommand deliveries; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand retention" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand retention" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand retention" -l dry-run -d 'Only say what would be removed'
complete -c ciadm -n "__fish_ciadm_using_subcommand retention" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand retention" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -l server-config -d 'The server\'s configuration, if a server is on this computer' -r -F
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -l orchestrator-config -d 'The orchestrator\'s configuration, if one is on this computer' -r -F
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -l profile -d 'The profile that `login` wrote' -r
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -l json -d 'Print JSON'
complete -c ciadm -n "__fish_ciadm_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand manual" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand manual" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand completions" -l color -d 'When to use colours' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ciadm -n "__fish_ciadm_using_subcommand completions" -s h -l help -d 'Print help'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "login" -d 'Keep a server and a token for it'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "logout" -d 'Forget a server and its token'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "whoami" -d 'Show whose token it is'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "runs" -d 'List runs, newest first'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "run" -d 'A run'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "jobs" -d 'List the jobs of a run'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "job" -d 'A job'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "why" -d 'Tell why a job waits, runs, was skipped or failed, and what helps'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "logs" -d 'Show what a job wrote'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "artifacts" -d 'List or download what a job left'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "trigger" -d 'Start the workflows of a repository that may be started by hand'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "approve" -d 'Let a run that waits for an approval go on'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "cancel" -d 'Cancel a job, or what is not finished of a run'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "rerun" -d 'Run a job, or the jobs of a run, once more'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "watch" -d 'Watch the jobs that are not finished'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "queue" -d 'Show what is on machines and what waits, in the order of the queue'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "repositories" -d 'List the repositories that have had runs'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "hosts" -d 'List the hosts'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "host" -d 'A host'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "forge" -d 'Connect the server with a forge'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "images" -d 'List the golden images of all hosts'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "image" -d 'The golden images of this host'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "tokens" -d 'Who may do what'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "audit" -d 'Show who did what, when and from where'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "deliveries" -d 'What the forges sent, and what became of it'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "retention" -d 'Remove what is old or too much, as the server\'s configuration says'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "doctor" -d 'Look whether this computer and the server are as they should be'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "manual" -d 'Print the parts of the man page that the command line says'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "completions" -d 'Print what a shell needs to complete commands'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and not __fish_seen_subcommand_from login logout whoami runs run jobs job why logs artifacts trigger approve cancel rerun watch queue repositories hosts host forge images image tokens audit deliveries retention doctor manual completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from run" -f -a "show" -d 'Show a run and its jobs'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from job" -f -a "show" -d 'Show a job, its attempts and its steps'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "drain" -d 'Give a host no further job; what runs there goes on'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from host" -f -a "undrain" -d 'Give a host jobs again'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from forge" -f -a "add" -d 'Make the server known to a forge'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "list" -d 'Show the versions of every image'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "lock" -d 'Take a disk that somebody else made into the store, as it is'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "fetch" -d 'Download a disk that somebody publishes, and take it into the store'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "import" -d 'Bring an image\'s disk into the ZFS pool; needs root'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "verify" -d 'Compare every file of an image, and its golden volume, with its lock'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "relock" -d 'Write down anew what the files of a lock are, after a change that was meant'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "promote" -d 'Make a version the one that hosts use'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from image" -f -a "gc" -d 'Remove versions that are not current, unless machines live on them'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from tokens" -f -a "list" -d 'List tokens, without their secrets'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from tokens" -f -a "create" -d 'Make a token and print its secret, which is not shown again'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from tokens" -f -a "revoke" -d 'Make a token useless'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "list" -d 'List deliveries, newest first'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "show" -d 'Show a delivery, or its body'
complete -c ciadm -n "__fish_ciadm_using_subcommand help; and __fish_seen_subcommand_from deliveries" -f -a "replay" -d 'Have a delivery interpreted again'
