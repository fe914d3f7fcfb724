# SPDX-License-Identifier: Apache-2.0
#
# fish completion for obs-btf-guard. Commands, flags and values are read from
# --help, so they are those of the program that is installed.

function __obs_btf_guard_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    if contains -- -- $words
        __fish_complete_path $cur
        return
    end
    set -l help ($program $words[1] --help 2>/dev/null)

    # --format json and --format=json
    set -l flag $words[-1]
    set -l joined
    if set -l parts (string match -r '^(--[^=]+)=(.*)' -- $cur)
        set flag $parts[2]
        set joined "$flag="
        set cur $parts[3]
    end
    if string match -q -- '-*' $flag
        set -l value (string match -rg "^   (?:-\S+ \S+, )?$flag ([^ ,-][^ ,]*)" -- $help)[1]
        switch "$value"
            case ''
            case '*|*'
                printf "$joined%s\n" (string split '|' $value)
                return
            case FOLDER
                printf "$joined%s\n" (__fish_complete_directories $cur)
                return
            case '*'
                printf "$joined%s\n" (__fish_complete_path $cur)
                return
        end
    end

    set -l found
    if string match -q -- '-*' $cur
        set found (string replace -rf '^   (--[a-z][a-z-]*)(?:[ ,].*?)??(?:  +(\S.*))?$' '$1\t$2' -- $help)
    else if not set -q words[1]
        set found (string replace -rf '^ {5}([a-z][a-z-]*)  +(.*)' '$1\t$2' -- $help)
    else if not set -q words[2] # "history import"
        string replace -rf '^   .* \| ([a-z]+) .*' '$1' -- $help
    end
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path $cur
    end
end

complete -c obs-btf-guard -f -a '(__obs_btf_guard_complete)'
