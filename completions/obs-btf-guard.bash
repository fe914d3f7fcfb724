# SPDX-License-Identifier: Apache-2.0
#
# bash completion for obs-btf-guard. Commands, flags and values are read from
# --help, so they are those of the program that is installed.

_obs_btf_guard() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} section=COMMANDS help value
    # --format=json is three words to bash.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    # With no answer the shell completes files, which is all that follows "--".
    [[ " ${COMP_WORDS[*]:1:COMP_CWORD - 1} " == *" -- "* ]] && return
    if ((COMP_CWORD == 1)); then
        help=$("$1" --help 2> /dev/null)
    else
        help=$("$1" "${COMP_WORDS[1]}" --help 2> /dev/null)
    fi
    if [[ $prev == -* ]]; then
        value=$(sed -nE "/OPTIONS:/,\$s/^   (-[^ ]+ [^ ]+, )?$prev ([^ ,-][^ ,]*).*/\2/p" <<< "$help")
        case $value in
            '') ;;
            *'|'*) mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$cur"); return ;;
            FOLDER) compopt +o default -o dirnames; return ;;
            *) return ;;
        esac
    fi
    if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then # "history import"
        value=$(sed -nE "/^USAGE:/,/^\$/s/.* \| ([a-z]+) .*/\1/p" <<< "$help")
        mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur")
        return
    fi
    [[ $cur == -* ]] && section=OPTIONS
    value=$(sed -nE "/$section:/,/^\$/s/^ {3,5}(-*[a-z][a-z-]*)[ ,].*/\1/p" <<< "$help")
    mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur")
}

complete -o default -F _obs_btf_guard obs-btf-guard
