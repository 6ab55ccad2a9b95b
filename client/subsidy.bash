# Completion of subsidy and subsidyd for bash: commands, options, order types and their values, files. It asks nobody,
# neither a ledger nor the programs. Where it has nothing of its own to offer, bash offers files.

_subsidy_globals="--server --feed --ca --token --cert --vkey --state --json --help --version"
_subsidy_roles="clerk reviewer leader auditor"
_subsidy_types="venue.license venue.suspend venue.resume venue.key venue.distrust enterprise.register enterprise.relate
	enterprise.delist policy.adopt trade.hold trade.release trade.void grant.add grant.revoke grant.replace
	officer.add officer.remove quorum.set rules.set log.key genesis"

_subsidy_options() # COMMAND
{
	case $1 in
	key) echo -o --type ;;
	push) echo --key --check --receipts --rows --template -o ;;
	order) echo --set --file --continues --key -o --submit --receipt --token-out --tokens-dir --letters --contact ;;
	list) echo --sort --policy --list --find --as-of --all --csv ;;
	show) echo --as-of ;;
	trades) echo --as-of --all ;;
	explain) echo --policy --as-of ;;
	statement) echo -o ;;
	feed) echo --not-counted --month --csv ;;
	grants) echo --subject --all --csv ;;
	monitor) echo --once --interval --stale --key --feed-witnesses --hook --evidence ;;
	verify | export) echo --policy ;;
	esac
}

_subsidy_set() # TYPE: what --set names
{
	case $1 in
	venue.license) echo venue= name= key= ;;
	venue.suspend | venue.resume) echo venue= reason= ;;
	venue.key) echo venue= add= revoke= new_generation= reason= ;;
	venue.distrust) echo venue= key= from= reason= ;;
	enterprise.delist) echo code= lists= reason= ;;
	trade.hold | trade.release | trade.void) echo venue= trade_no= reason= ;;
	grant.add) echo subject= holder= expires= name= ;;
	grant.revoke) echo token_hash= reason= ;;
	grant.replace) echo token_hash= subject= holder= expires= name= reason= ;;
	officer.add) echo name= role= key= ;;
	officer.remove) echo name= reason= ;;
	rules.set) echo rules= ;;
	log.key) echo add= retire= reason= ;;
	esac
	[ "$1" = genesis ] || echo id= order_expires= origin= ledger_id= size=
}

# What may follow the option or the name of a value in $2, for the command in $1 and its first word in $3. Fails where
# nothing does: a flag, or no option at all.
_subsidy_value()
{
	case $1:$2 in
	key:--type) echo ed25519 sm2 cosignature ;;
	push:--template) echo zh en ;;
	list:--sort) echo code award volume ;;
	grants:--subject) echo bureau auditor venue: ;;
	order:--set) _subsidy_set "$3" ;;
	order:role) echo "$_subsidy_roles" ;;
	order:new_generation) echo yes no ;;
	order:subject) echo bureau auditor venue: ;;
	*:--state | statement:-o | push:--receipts | order:--tokens-dir | order:--letters | monitor:--evidence) echo @folder ;;
	*:--ca | *:--token | *:--cert | *:--key | *:-o | order:--file | order:--continues | order:--receipt | order:--token-out | \
	    monitor:--feed-witnesses | verify:--policy | export:--policy) echo @file ;;
	*:--server | *:--feed | *:--vkey | push:--rows | order:--contact | list:--policy | list:--list | list:--find | \
	    explain:--policy | feed:--month | *:--as-of | monitor:--interval | monitor:--stale | monitor:--hook) echo @text ;;
	*) return 1 ;;
	esac
}

_subsidy_offer() # WORDS
{
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -W "$1" -- "$cur"))
	# A name that ends in = or : waits for its value.
	case ${COMPREPLY[0]-} in
	*[=:]) compopt -o nospace 2>/dev/null ;;
	esac
	return 0
}

_subsidy()
{
	local commands="key push receipt order list show trades explain statement feed overview policies grants export monitor verify"
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" first="" value i

	COMPREPLY=()
	# bash cuts words at "=": NAME=VALUE and --key=FILE come in three.
	if [ "$cur" = "=" ]; then
		cur=""
	elif [ "$previous" = "=" ] && [ "$COMP_CWORD" -gt 2 ]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-* | =) continue ;;
		esac
		# The value of an option is no word of the command.
		if _subsidy_value "$command" "${COMP_WORDS[i - 1]}" "$first" >/dev/null || [ "${COMP_WORDS[i - 1]}" = "=" ]; then
			continue
		elif [ -z "$command" ]; then
			command=${COMP_WORDS[i]}
		elif [ -z "$first" ]; then
			first=${COMP_WORDS[i]}
		fi
	done
	if value=$(_subsidy_value "$command" "$previous" "$first"); then
		case $value in
		@folder) compopt +o default -o dirnames 2>/dev/null ;;
		@text) compopt +o default 2>/dev/null ;;
		@file) ;;
		*) _subsidy_offer "$value" ;;
		esac
		return 0
	fi
	case $command:$cur in
	:-*) _subsidy_offer "$_subsidy_globals" ;;
	:*) _subsidy_offer "$commands" ;;
	*:-*) _subsidy_offer "$(_subsidy_options "$command") $_subsidy_globals" ;;
	key:*) [ -n "$first" ] || _subsidy_offer "new show" ;;
	receipt:*) [ -n "$first" ] || _subsidy_offer "check" ;;
	export:*) compopt +o default -o dirnames 2>/dev/null ;;
	order:*) [ -n "$first" ] || _subsidy_offer "$_subsidy_types sign submit show" ;;
	esac
}

_subsidyd()
{
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $previous:$cur in
	-c:* | --config:* | --genesis:* | --last-known:* | =:*) ;;
	--export:* | --keep:* | --from:*) compopt +o default -o dirnames 2>/dev/null ;;
	--vkey:* | --threads:*) ;;
	*:-*) _subsidy_offer "-c --config --genesis --no-replay --accept-loss --describe --last-known --export --vkey --keep --from --threads --help --version" ;;
	*) _subsidy_offer "init check verify backup restore" ;;
	esac
}

complete -o default -F _subsidy subsidy
complete -o default -F _subsidyd subsidyd
