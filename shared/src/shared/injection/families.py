"""Weak signs of orders to a language model, by what they mean and not by how they are phrased.

None of them is an order by itself: manuals demand, style guides speak of sections, papers of models. Two or three in
one sentence are one, since nobody tells a human reader what "your output" has to begin with.
"""

from shared.injection.signs import Sign
from shared.injection.signs import sign as _sign

_DEEDS = (
    "(?:writ(?:e|ing)|print|output|say|respond|reply|answer|return|append|insert|includ(?:e|ing)|add|repeat|begin|"
    "start|"
    "end|finish|close|open|conclude|mention|type|put|place|state|contain|carry|compose|produce|give|list|tell|link|"
    "describe|name|call|speak|talk|thank|send|work|slip|show|use|make|explain|discuss|translate|change|replace|"
    "hand in|report|quote|claim|declare|deliver|be)"
)
_SPEECH = "(?:write|say|respond|reply|answer|repeat|mention|output|print|type|add|append|insert|produce|put|state)"
_HINTS = (
    "writ|print|output|say|respond|reply|answer|return|append|insert|includ|add|repeat|begin|start|end|finish|close|"
    "open|conclude|mention|type|put|place|state|contain|carry|compose|produce|give|list|tell|link|describe|name|call|"
    "speak|talk|thank|work|slip|show|use|make|explain|discuss|translate|change|hand in|report|quote|claim|declare|"
    "deliver|be"
)
_DUTY = (
    "(?:must|should|shall|(?:has|have|had|needs?|ought) to|(?:is|are) (?:required|obliged|asked|expected|instructed|"
    "supposed|to)(?: to)?|(?:sure|essential|vital|imperative|mandatory) (?:to|that)|make sure)"
)
_CODE = r"(?:[A-Z]{3,}(?:[-_][A-Z0-9]+)+|[A-Z][A-Z0-9_!]{3,}(?![a-z])|https?:|www\.)"
_MARKED = r"(?:[A-Z]{3,}(?:[-_][A-Z0-9]+)+|https?:|www\.|(?i:(?:words?|phrase|sentence|text|string|slogan)) [\"'])"
_LITERAL = (
    r"(?:(?i:(?: (?:with|the|these|this|that|only|just|exactly|single|following|words?|phrase|sentence|string|token|"
    rf"text|line|back|to|as|in|its|place|stead|solely)){{0,6}}):? ?(?:[\"'`](?=\w)|{_CODE})|"
    rf"[^.!?\"]{{1,40}}? {_MARKED})"
)
_MACHINES = (
    r"(?:ais?|llms?|robots?|machines?|(?:language|ai|generative|neural) (?:models?|networks?|systems?)|models?|"
    r"chatbots?|bots?|"
    r"ai (?:tools?|writers?|agents?|assistants?)|assistants?|(?:text|content|report|document) generators?|"
    r"summari[sz]ers?)"
)
_BRIEF = (
    "(?:brief|outline|task|prompt|rules?|guidelines?|instructions?|guardrails|assignment|orders?|programming|"
    "operators?|"
    "developers?|creators?|training|directives?|constraints?|restrictions?)"
)
_PARTS = (
    "(?:answer|response|repl(?:y|ies)|output|summary|conclusion|text|section|report|heading|paragraph|completion|title|"
    "sentence|line)s?"
)
_PLACES = "(?:section|paragraph|chapter|heading|sentence|line|headline|title|answer|response|reply)s?"
_PRODUCT = "(?:document|report|text|article|answer|summary|response|output)"
_NOT = (
    "ignore|disregard|stop|skip|drop|set aside|leave out|abandon|(?:do not|don'?t|never) (?:write|summari[sz]e|"
    "follow|"
    "continue|finish|discuss)(?: about)?"
)
_TASK = (
    r"(?:sections?|topic|outline|task|assignment|document|report|article|summary|citations|"
    r"sources|instructions|rules|request|prompt)"
)

_DEED: tuple[Sign, ...] = (
    _sign("payload", _HINTS, rf"(?<![a-z]){_DEEDS}\b(?! of\b)", 0.3, 0.0),
    _sign("payload", _HINTS, rf"\b{_DUTY}\W{{1,2}}(?:[\w'-]+ ){{0,4}}?{_DEEDS}s?\b", 0.3, 0.3),
    _sign("payload", _HINTS, rf"(?<![A-Za-z])(?i:{_DEEDS}){_LITERAL}", 0.6, 0.1, cased=True),
    _sign("payload", _HINTS, rf"\b(?i:{_DUTY}\W{{1,2}}(?:[\w'-]+ ){{0,4}}?{_DEEDS}s?\b){_LITERAL}", 0.6, 0.6,
        cased=True),
    _sign("exclusive", "only|just|solely|exactly|no more|no other text",
        rf"\b(?:only|just|solely) (?:to )?{_DEEDS}\b|\b{_DEEDS} (?:only|solely)\b|and no more\W*$|no other text|"
        rf"\b{_DEEDS} (?:with |as )?exactly\b|(?<![a-z])(?:write|answer|reply|"
        rf"respond) in [^.!?,]{{1,25}}? only\b", 0.4, 0.1),
    _sign("exclusive", "only |sole ", rf"\b(?:only|sole) thing (?:you \w+ )?to {_DEEDS}\b|(?:only|sole) (?:job|"
        rf"task) is",
        0.5, 0.5),
    _sign("payload", _HINTS, rf"(?<![A-Za-z])(?i:{_SPEECH}){_LITERAL}", 0.7, 0.1, cased=True),
    _sign("payload", _HINTS, rf"(?<![A-Za-z])(?i:{_SPEECH})[^.!?\"]{{1,40}}? [A-Z]{{3,}}[A-Z_-]*[-_]\d", 0.8, 0.2,
        cased=True),
    _sign("praise", "prais|recommend|promot|advert|endors|favor|favour|credit|thank",
        rf"\b{_DUTY} (?:always )?(?:praise|recommend|promote|advertise|endorse|favou?r|credit|thank)\b", 0.5, 0.5),
    _sign("payload", "that", r"(?<![a-z])(?:write|state|claim|say) that\b", 0.4, 0.1),
    _sign("payload", "substitute", r"(?<![A-Za-z])(?i:substitute) [\"'A-Z]", 0.6, 0.2, cased=True),
    _sign("exclusive", "as ", r"\bas (?:the|your) (?:only|sole) (?:source|reference|answer)", 0.3, 0.3),
    _sign("exclusive", "simply|merely", rf"(?<![a-z])(?:simply|merely) {_DEEDS}\b", 0.2, 0.2),
    _sign("payload", "the following", rf"(?<![a-z]){_DEEDS} the following (?:words?|sentence|line|phrase|text|"
        rf"slogan)\b[^.!?]{{0,30}}?:",
        0.6, 0.2),
    _sign("payload", "the code", r"(?<![A-Za-z])(?:the|this) (?:code|token|password|"
        r"passphrase) [A-Z]{3,}", 0.6, 0.5, cased=True),
    _sign("exclusive", "repeat", r"(?<![a-z])repeat(?:ed)? (?:after me|(?:\w+ )?times)", 0.7, 0.4),
    _sign("praise", "credit|prais|recommend|promot|advert|favourabl|favorabl|ode to|admire|endors|favor|favour|"
        "good word|glorif|persuade",
        r"(?<![a-z])(?:praise|recommend|promote|advertise|admire|endorse|credit|favou?r|glorify)\b|"
        r"\bgood word for\b|persuade \w+ to buy|(?<![a-z])(?:write|speak|talk) (?:only |solely )?"
        r"(?:favou?rably|well) (?:of|about)|\b(?:an? ode to|adverts? for|in praise of)", 0.5, 0.1),
)  # fmt: skip

_PLACE: tuple[Sign, ...] = (
    _sign("place", "your", rf"\byour (?:\w+ )?(?:\w+ )?{_PARTS}\b|\btitle of your\b", 0.5, 0.5),
    _sign("place", "you ", rf"\b(?:{_PLACES}|text|content|report|document|summary) (?:that )?you (?:write|produce|"
        rf"generate|compose)", 0.7, 0.7),
    _sign("place", "each|every|all|first|last|opening|final|next|closing",
        rf"\b(?:each|every|all|(?:its|the) (?:very )?(?:first|last|opening|final|next|"
        rf"closing)) {_PLACES}\b", 0.4, 0.4),
    _sign("place", "document|report|text|article|answer|summary|response|output|conclusion",
        rf"\b(?:in|into|to|of|at the end of|at the top of) the {_PRODUCT}\b|\bthe {_PRODUCT} {_DUTY}|"
        rf"\bin the conclusion\b|\bthe {_PRODUCT} above\b", 0.4, 0.4),
    _sign("place", "your", rf"\byour (?:very )?(?:first|next|last|final|opening|closing|entire|"
        rf"whole) {_PARTS}\b", 0.6, 0.6),
    _sign("place", "to this", r"(?<![a-z])(?:respond|reply|answer) to this (?:document|text|page|file|"
        r"article)", 0.5, 0.5),
    _sign("place", "rest of", r"\b(?:for|throughout) the rest of (?:this|the) (?:conversation|text|document|report|"
        r"chat)", 0.5, 0.5),
    _sign("place", "start|begin|end|clos|open|finish|conclud",
        rf"(?<![a-z])(?:start|begin|end|close|open|finish|conclude) the {_PRODUCT}\b", 0.4, 0.2),
)  # fmt: skip

_READER: tuple[Sign, ...] = (
    _sign("machine", "must|should|shall|has to|have to|need|ought|required|obliged|asked|expected|instructed",
        rf"\b{_MACHINES}\b[^.!?,]{{0,40}}? {_DUTY} (?:not |never |always |now )?{_DEEDS}", 0.5, 0.5),
    _sign("reading", "read|process|summari|us|pars|cit|see",
        rf"\b{_MACHINES} (?:(?:that|which|who) )?(?:read|process|summari[sz]|us|pars|cit|see)(?:e?s|e|ing)? "
        r"(?:along|this|these|the)", 0.5, 0.4),
    _sign("machine", "writer|author|generator",
        rf"\b(?:writer|author|generator) of this (?:section|text|answer|chapter|document|"
        rf"report)\b[^.!?]{{0,12}}{_DUTY}",
        0.5, 0.5),
    _sign("machine", "if|when|while|before|whenever",
        rf"\b(?:if|when|while|before|whenever) (?:you|an? {_MACHINES}|the {_MACHINES}) (?:write|generate|produce|"
        rf"compose|summari[sz]e|create|use)s? (?:an? |any |the )?(?:text|report|summary|section|answer|"
        rf"this)", 0.5, 0.5),
    _sign("machine", "for ", rf"\b(?:mandatory|required|necessary|essential|imperative) for (?:the |any |all |"
        rf"an? )?{_MACHINES} to\b",
        0.7, 0.7),
    _sign("machine", ":", r"^\W{0,4}(?:\w+ )?(?:ais?|llms?|assistants?|chatbots?|bots?)(?: \w+)? ?:", 0.7, 0.7),
    _sign("reading", "asked about|generated from|summary of this|summaries of this",
        r"\bwhen(?:ever)? (?:you are )?(?:asked|queried) about this (?:document|file|page|text)|\b(?:generated|"
        r"produced|"
        r"derived) from this (?:file|document|page|text|source)|(?:summary|summaries) of this (?:page|file|document|"
        r"text)",
        0.6, 0.4),
    _sign("machine", "as a|as the|as an",
        rf"\bas (?:an? |the )(?:[\w-]+ )?{_MACHINES}, you\b", 1.0, 1.0),
    _sign("machine", "hi|hello|hey|dear", rf"^\W{{0,4}}(?:hi|hello|hey|"
        rf"dear)(?: there)?,? (?:\w+ )?{_MACHINES}\b", 0.7, 0.7),
    _sign("machine", "dear|any|all|to ",
        rf"^\W{{0,4}}(?:[\w-]+ ){{0,3}}?(?:dear|(?:to|for) (?:any|all|the|every)) {_MACHINES}\b", 0.7, 0.7),
    _sign("machine", "directive|order|message|instruction|note",
        rf"\b(?:directive|order|message|instruction|note|command)s? (?:to|for) (?:an? |any |all |the |"
        rf"every )?{_MACHINES}"
        r"[^.!?]{0,20}?:", 1.0, 0.8),
)  # fmt: skip

_TURN: tuple[Sign, ...] = (
    _sign("switch", "instead|rather than|in its", rf"(?<![a-z])(?:instead of|rather than) the (?:\w+ )?{_TASK}\b|"
        rf"\bin its (?:place|stead)\b", 0.7, 0.5),
    _sign("switch", "requested|user", rf"(?<![a-z])(?:{_NOT}) (?:the |any )?(?:requested|user'?s?|"
        rf"planned) (?:\w+ )?{_TASK}",
        1.0, 0.4),
    _sign("switch", "stop|skip|drop|set aside|leave out|abandon|do not|don't|never|throw|quit|cease",
        rf"(?<![a-z])(?:stop|skip|drop|set aside|leave out|abandon|throw (?:away|out)|quit|cease|"
        rf"(?:do not|don'?t|never) (?:write|summari[sz]e|follow|continue|finish|use)(?: about)?) (?:the |this |"
        rf"your |all |"
        rf"any |these )?(?:\w+ )?{_TASK}\b", 0.6, 0.3),
    _sign("switch", "stop|quit|cease", r"(?<![a-z])(?:stop|quit|cease) (?:writing|summari[sz]ing|"
        r"working)\b", 0.5, 0.2),
    _sign("switch", "never mind|no notice|no attention|finish here|end here|don't have to|do not have to|need not",
        r"(?<![a-z])(?:never mind|(?:take|pay) no (?:notice|attention|heed)(?: of| to)?) (?:the|what|your) |"
        r"(?<![a-z])(?:finish|"
        r"end|halt) here\b|you (?:don'?t|do not|need not) (?:have to |need to )?(?:obey|follow|comply|"
        r"heed)", 0.6, 0.6),
    _sign("switch", "cease|overlook|no matter|regardless|forget|halt|quit|stop", r"(?<![a-z])(?:cease|halt|quit|"
        r"stop) (?:all |your |any )"
        r"(?:current )?(?:work|task|writing|activity)|(?<![a-z])overlook (?:the|all|any|your) (?:\w+ )?(?:command|"
        r"instruction|"
        r"order|rule|prompt)|(?:no matter|regardless of) what (?:the|your) (?:\w+ )?(?:prompt|user|instructions?|"
        r"rules?|"
        r"operator)", 0.7, 0.6),
    _sign("override", "from the user|from your|notice|alert|note", r"(?:instructions?|message|orders?|"
        r"request) (?:below )?(?:comes?|is|are) "
        r"(?:directly )?from (?:the user|your)|^\W{0,4}(?:system|admin\w*|operator|developer) (?:notice|alert|"
        r"note)\b", 0.7, 0.7),
    _sign("switch", "what the", r"(?<![a-z])(?:ignore|disregard|forget) what (?:the|your|you)\b", 0.6, 0.1),
    _sign("turn", "instead",
        r"\binstead\W{1,2}(?:just )?(?:write|tell|say|output|reply|describe)| instead\W*$", 0.5, 0.4),
    _sign("switch", "stop here|drop it|whatever|everything|anything",
        r"(?<![a-z])(?:stop here|drop it)\b|(?:whatever|everything|anything)(?: that)? (?:you were (?:asked|told)|"
        r"the user wants)", 0.5, 0.4),
    _sign("override", "instead", r"(?<![a-z])(?:now )?(?:obey|follow) this instead", 1.0, 0.6),
    _sign("override", "void|null|matter|count|appl|replaced|overrid|supersed|invalid",
        r"(?:all of the above|(?:everything|all|nothing)\b[^.!?,;]{0,12}? (?:above|before|earlier|so far)|"
        r"above (?:text|message|orders|"
        r"instructions?|rules?)|(?:previous|prior|earlier) (?:instructions?|rules|prompts?|messages?|"
        r"orders))\b[^.!?,;]{0,25}? (?:is|are|was|were|has been|have been|no "
        r"longer|now|not) ?(?:now |all )?(?:void|null|invalid|matters?|counts?)\b|nothing (?:\w+ )?(?:earlier|before|"
        r"above) (?:\w+ )?(?:matter|count|appli)|only the (?:message|text|line|instruction|"
        r"order)s? below count", 1.0, 0.7),
    _sign("override", "replac|supersed|overrid|cancel",
        r"\byour (?:previous|earlier|prior|old|system|original|current) (?:\w+ )?(?:have|has|are|is|were) (?:been |"
        r"now )?"
        r"(?:replaced|superseded|overridden|cancelled)|(?:replace|supersede|override|cancel|overrule)s? (?:all |"
        r"any )?"
        r"(?:of )?your ", 1.0, 1.0),
    _sign("override", "override", r"^\W{0,4}(?:system )?override\W{0,3}:", 1.0, 1.0),
    _sign("override", "cancel|chang|correct|amend|revis|apply|applies|goodbye|you have been|expired|withdrawn|updat|"
        "replaced|outdated|obsolete|wrong",
        rf"\b(?:the|your|this|all|any) (?:\w+ )?{_BRIEF}\b[^.!?]{{0,30}}? (?:(?:is|are|was|were|has|have)(?: been|"
        rf" now)? (?:"
        r"cancel|chang|withdrawn|expired|updat|revised|amended|replaced|outdated|obsolete|wrong)|(?:do|"
        r"does) not apply|no longer appl)|(?:correction|"
        rf"changes?|amendment|update)s? (?:to|of|in) (?:your|the) (?:\w+ )?{_BRIEF}\b|goodbye to your|you have been "
        r"(?:re)?(?:programm|train|configur|instruct|order|assign)ed", 0.9, 0.5),
    _sign("override", "suspend|lifted|changed|real|true|actual",
        r"\b(?:rules|restrictions|limits|guidelines|instructions) (?:are|have been) (?:now )?(?:suspended|lifted|"
        r"off|disabled)"
        r"|\byour (?:goal|task|job|mission|role|aim|assignment) has (?:now )?changed|\b(?:the|your) (?:real|true|"
        r"actual) "
        r"(?:task|instruction|goal|order|job) is\b", 0.9, 0.8),
    _sign("role", "you are now", r"\b[Yy]ou are now [A-Z]\w+,", 0.9, 0.6, cased=True),
    _sign("secrecy", "secret|from the", r"(?<![a-z])keep (?:this|it) (?:a )?(?:secret|from the (?:user|"
        r"reader))", 0.7, 0.3),
    _sign("role", "you're to|you are to", r"\byou(?:'re| are) to (?:write|act|answer|speak|respond|"
        r"behave) as\b", 0.8, 0.6),
    _sign("brief", "you were", r"\byou were (?:told|given|instructed|asked)\b", 0.4, 0.4),
    _sign("override", "treat|regard|consider|obey|execute|carry out|follow",
        r"(?:treat|regard|consider|obey|execute|carry out|follow) (?:this|the|these|what) [^.!?]{0,25}? as (?:an? |"
        r"your )?"
        r"(?:\w+ )?(?:command|instruction|order|prompt|task)", 1.0, 0.8),
    _sign("brief", "your |not as",
        rf"\byour (?:own |new |old |previous |earlier |original |actual )?{_BRIEF}\b|\bas i say\b", 0.4, 0.4),
    _sign("brief", "before|from here|no |what the",
        r"\bbefore (?:you do |doing )?anything else|\bfrom here on\b|(?:^|[.;,]) ?no (?:summary|section|report|text|"
        r"answer|"
        r"document|analysis|explanation) is (?:needed|required|wanted)|what the (?:user|editor|operator|"
        r"author) (?:asked|"
        r"ordered|wants|wanted|said)", 0.4, 0.4),
    _sign("disregard", "before|above|preceding|guidelines|rules|instructions|question",
        r"(?<![a-z])(?:ignore|disregard|overlook|forget|disobey|neglect|break) (?:the|all|any|your) (?:\w+ ){0,3}?"
        r"(?:before this|above|preceding|guidelines|rules|instructions)|(?:don'?t|do not) answer the question",
        0.7, 0.2),
    _sign("role", "you shall be|you will be", r"\byou (?:shall|will) be \w+, (?:an?|the) ", 0.6, 0.5),
    _sign("secrecy", "secretly|covertly|quietly", rf"(?<![a-z])(?:secretly|covertly|quietly) "
        rf"(?:{_DEEDS}|recommend|praise|promote)\b",
        0.9, 0.4),
    _sign("brief", "tell the", r"(?<![a-z])tell the (?:user|reader)s?\b", 0.6, 0.0),
    _sign("place", "their|output", r"\bin their (?:output|answer|response|summar|repl)|^\W{0,4}output must\b",
        0.5, 0.5),
    _sign("reading", "automat|generates|produces|writes",
        r"\b(?:summari[sz]|process|generat|read|translat)ed (?:automatically|by (?:an? )?(?:ai|machine|model))|"
        r"\b(?:generates|produces|writes|composes) the (?:final |finished )?(?:text|report|document|summary|section)",
        0.5, 0.5),
    _sign("override", "priority", r"(?:higher|highest|top|maximum)[- ]priority\b(?: (?:task|assignment|instruction|"
        r"order))?",
        0.5, 0.5),
    _sign("override", "new ",
        r"^[^.!?]{0,20}?\bnew (?:(?:user|system|admin) (?:message|input|turn|prompt|request)|task|goal|assignment|"
        r"objective|instructions?)\b[^.!?]{0,12}?:", 0.7, 0.7),
    _sign("override", "the user", r"\bthe user\b[^.!?]{0,12}? (?:changed (?:his|her|their) mind|now wants|"
        r"actually wants|"
        r"really wants|would rather)", 1.0, 0.6),
    _sign("override", "i am your|i'm your|authori",
        r"\bi(?: am|'m) your (?:developer|creator|admin\w*|operator|owner|maker)|\bi (?:hereby )?authori[sz]e you",
        0.7, 0.7),
    _sign("secrecy", "tell|mention|hidden|secret|confidential|covert|prompt|instructions",
        r"(?:do not|don'?t|never|without) (?:tell|inform|mention|show)\w* (?:it to |this to )?(?:the (?:reader|"
        r"user)|this "
        r"(?:note|text|line|request))|\b(?:hidden|secret|confidential|covert) (?:directive|instruction|order|command|"
        r"prompt|message)s?|\b(?:your|its) (?:initial|hidden|secret|system|original) (?:prompt|"
        r"instructions?)", 0.6, 0.5),
    _sign("role", "unrestricted|jailbr|no rules|all rules|from this point|mode",
        r"\b(?:unrestricted|unfiltered|jailbroken|god|developer|dan) mode|\bdrop (?:all|your) rules|"
        r"from this (?:point|moment|line) on,? you", 1.0, 0.4),
    _sign("disregard", "ignor|oubli|vergiss|vergessen|missacht|olvid|omit|missachte|haz caso",
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*) [^.!?]{0,30}?(?:anweisung|vorgabe|regel|befehl|"
        r"prompt)|"
        r"\b(?:ignore[sz]?|oublie[sz]?|neglige[sz]?)\b [^.!?]{0,30}?(?:consigne|regles|directives? prec|"
        r"instructions? "
        r"(?:prec|ant))|\b(?:ignor[ae]|olvid[ae]|omit[ae]|no hagas caso)\b [^.!?]{0,30}?(?:instruccion|ordenes|"
        r"indicacion|"
        r"reglas)", 1.0, 0.5),
)  # fmt: skip

ENGLISH_FAMILIES: tuple[Sign, ...] = _DEED + _PLACE + _READER + _TURN
