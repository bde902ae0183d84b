# What a shell on a lab host is like: read by bash for `labs terminal HOST`, which sets the variable.

# The history of this terminal survives a rebuilt lab, whose hosts are new ones.
if [ -n "$VRRP_LAB_HISTORY" ] && [ ! -e ~/.bash_history ]; then
    printf '%s\n' "$VRRP_LAB_HISTORY" >~/.bash_history
fi
unset VRRP_LAB_HISTORY
HISTCONTROL=ignoredups
# At once: the shell ends with its lab, without a moment to save.
PROMPT_COMMAND='history -a'
shopt -s checkwinsize histappend

# Of the 256 colors two that can be read on white and on black.
PS1='\[\e]0;\h\a\e[1;38;5;28m\]\u@\h\[\e[0m\]:\[\e[38;5;31m\]\w\[\e[0m\]\$ '
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto' diff='diff --color=auto'
alias ip='ip -color=auto'
for EDITOR in nano vim vi; do command -v "$EDITOR" >/dev/null && break; done
export EDITOR PAGER=less LESS=-R

[ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
# systemctl, journalctl and service of a host are stand-ins that know one service.
_keepalived_service() {
    local words=keepalived
    case "${COMP_WORDS[0]}:$COMP_CWORD" in
        systemctl:1) words="start stop restart reload status enable disable is-active is-enabled cat" ;;
        service:2) words="start stop restart reload status" ;;
        journalctl:1) words="-u -f -n -e -r -g -o --since --until --no-pager" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _keepalived_service systemctl service journalctl

[ -r ~/.bashrc ] && . ~/.bashrc
