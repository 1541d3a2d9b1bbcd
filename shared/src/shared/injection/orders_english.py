"""What orders to a language model look like in English, and the marks of chats in any language."""

from shared.injection.signs import Sign
from shared.injection.signs import sign as _sign

_DISREGARD = (
    "(?<![a-z])(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|overrule|discard|bypass|abandon|"
    r"(?:do\W?not|don'?t|stop|no longer|never)\W{0,3}(?:follow|obey|listen\W{0,3}to|adher(?:e|"
    r"ing)\W{0,3}to)(?:ing)?|pay\W{0,3}no\W{0,3}(?:attention|heed)\W{0,3}to|set\W{0,3}aside|put\W{0,3}aside|"
    r"throw\W{0,3}away|scrap)\W{0,3}"
)
_EARLIER = (
    "(?=[^.!?]{0,70}(?:previous|prior|preceding|earlier|above|former|foregoing|before|original|initial|system|"
    "your|so far|to you|you (?:were|have|got|are|received)|until now|up to now))"
)
_FILLING = (
    "(?:(?:all|any|every|each|of|the|your|my|our|these|those|this|that|and|or|previously|previous|prior|"
    "preceding|earlier|above|former|foregoing|past|original|initial|existing|current|other|system|safety|"
    r"developer|user|given|old|hidden|secret|internal|entire|whole|written|provided|stated)\W{0,3}){0,8}"
)
_ORDERS = "(?:instruction|prompt|directive|guideline|command|rule|order|programming|constraint|restriction|guardrail)"
_WORDS_BEFORE = "(?:context|conversation|text|content|message|task|request|document)"
_MACHINE = (
    "(?:an? |the |any |all |every )?(?:helpful |large |automated |artificial )?(?:ai|llm|language model|"
    r"intelligence|chatbot|assistant|bot)s?\b(?! (?:research|engineer|develop|compan|startup|user|student|"
    "practitioner|expert|professional|team|scien))"
)
_SAY = "(?<![a-z])(?:write|print|return|repeat|say|type|state|generate|produce|display|output|echo|emit|insert)"
_ANSWER = "(?<![a-z])(?:respond|reply|answer|output|speak)"
_ONLY = "(?:only|just|nothing but|nothing except|exactly|solely|exclusively)"
_PAYLOAD = (
    r"(?:[\"':`]|this\b|the (?:single |one |exact )?(?:word|phrase|text|string|sentence|line|following)|"
    "following)"
)

ENGLISH: tuple[Sign, ...] = (
    _sign("disregard", "instr|promp|direct|guidel|comm|rule|order|progr|constr|restr|guardr",
        _DISREGARD + _EARLIER + _FILLING + _ORDERS, 1.0, 0.4),
    _sign("disregard", "all|any|every|your",
        _DISREGARD + r"(?:all|any|every|your)\W{0,3}" + _FILLING + _ORDERS, 1.0, 0.4),
    _sign("disregard", "context|conversation|text|content|message|task|request|document",
        _DISREGARD + _EARLIER + _FILLING + _WORDS_BEFORE, 0.8, 0.3),
    _sign("disregard", "thing|all|what",
        _DISREGARD
        + r"(?:everything|anything|all|what(?:ever)?)\W{0,3}(?:(?:that|of|the|you|i|we|was|were|is|are|came|has|"
        "have|been|written|stated) ?){0,5}(?:above|before|previously|earlier|so far|told|said|instructed|"
        r"asked|learned)\W{0,2}(?:$|[.,;:!]| and\b| then\b| by\b)?(?! (?:the|a|sea|average)\b)", 1.0, 0.4),
    _sign("disregard", "void|cancel|invalid|revoked|obsolete|suspended|supersed|apply",
        r"(?:previous|prior|earlier|preceding|above|former) (?:\w+ )?(?:instruction|prompt|constraint|"
        "directive)s? (?:is|are|have been|were|do not|no longer)(?: now| hereby)? ?(?:void|cancel|invalid|"
        "revoked|obsolete|suspended|supersed|apply)", 1.0, 0.8),
    _sign("disregard", "user|operator|human",
        "(?:ignore|disregard|forget) (?:the |your )?(?:user|operator|human)(?:'?s)? (?:original )?(?:request|"
        "question|query|prompt|instruction|message|wish)", 1.0, 0.4),
    _sign("role", "you are",
        r"you are (?:[\w-]+, )?(?:the )?(?:[\w-]+ ){0,3}?" + _MACHINE
        + "(?! (?:teacher|professor|manager|editor|director))", 1.0, 0.5),
    _sign("role", "you",
        r"you(?: are|'re| will be) (?:now |hereby |henceforth )(?:an? |the |in |my )?(?:[\w-]+ ){0,3}?(?:ai|"
        "assistant|bot|chatbot|model|agent|dan|llm|persona|pirate|hacker|poet|parrot|terminal|jailbroken|"
        r"unrestricted|unfiltered|uncensored|evil|free (?:from|of)|acting|called|named)\b", 1.0, 0.8),
    _sign("role", "you are now|you're now",
        "you(?: are|'re) now an? ", 0.7, 0.3),
    _sign("role", "from now on|henceforth",
        "(?:from now on|henceforth),? (?:you (?:are|will|must|shall|only|should)|act|respond|answer|reply|"
        "always|speak|write|behave|your (?:name|answers?|task|role))", 1.0, 0.6),
    _sign("role", "no longer",
        "you are no longer (?:bound|restricted|limited|" + _MACHINE + ")", 1.0, 0.6),
    _sign("role", "as",
        "(?<![a-z])(?:act|behave|respond|answer|speak|write|operate) as (?:if you (?:were|are)|though you|"
        r"(?:an? )?(?:[\w-]+ ){0,2}?(?:ai|assistant|chatbot|dan|unrestricted|jailbroken)\b)", 1.0, 0.3),
    _sign("role", "pretend|roleplay|role-play",
        "(?<![a-z])(?:pretend|role-?play)(?:ing)? (?:to be|as|that you|you)", 0.8, 0.2),
    _sign("role", " mode",
        "(?:enter|switch (?:to|into)|activate|enable|now in) (?:the )?(?:dan|jailbreak|unrestricted|god|"
        "developer) mode", 0.9, 0.4),
    _sign("output", "respond|reply|answer|output|speak",
        _ANSWER + r"(?:ing)? (?:to \w+ \w+ )?" + _ONLY + " ?(?:with|in|by|" + _PAYLOAD + ")", 1.0, 0.3),
    _sign("output", "only|just|nothing|exactly|solely|exclusively",
        _SAY + r" (?:\w+ ){0,2}?" + _ONLY + " ?" + _PAYLOAD, 1.0, 0.3),
    _sign("output", "nothing",
        _SAY + " nothing (?:but|except|other than|else)", 1.0, 0.3),
    _sign("exclusive", "nothing else|anything else|other text|explanation",
        "(?:and nothing else|(?:do not|don'?t|never|without) (?:writ|output|say|add|includ|produc|"
        r"giv)\w* (?:any )?(?:anything else|other (?:text|words?)|explanations?))", 0.7, 0.5),
    _sign("output", "verbatim|word for word|exactly as",
        r"(?:repeat|copy|reproduce|echo|output|print|recite)\b.{0,40}?(?:verbatim|word for word|exactly as)",
        0.7, 0.2),
    _sign("output", "your",
        "(?:begin|start|end|finish|conclude|prefix|open|close|preface) (?:all |every |"
        "each )?(?:of )?your (?:next |final )?(?:answer|response|reply|replies|output|section|summary|report|"
        r"text|document)s? (?:with|by)(?: the (?:word|phrase|sentence)s?\b| (?:saying|writing|stating)\b|"
        r" ?[:\"'])", 1.0, 0.4),
    _sign("output", "instead",
        "instead(?:,| of [^.!?]{0,50},)? ?(?:just )?" + _SAY, 0.6, 0.4),
    _sign("output", "write|print|say|output|reply|respond|answer|return|repeat|type",
        "(?<![A-Za-z])(?:[Ww]rite|[Pp]rint|[Ss]ay|[Oo]utput|[Rr]eply|[Rr]espond|[Aa]nswer|[Rr]eturn|"
        "[Rr]epeat|[Tt]ype|WRITE|PRINT|SAY|OUTPUT|REPLY|RESPOND) (?i:(?:with|the|words?|phrase|text|"
        "this) ){0,3}(?i:only|just|nothing but|exactly|solely) (?i:(?:with|the|words?|phrase|"
        "text) ){0,3}[A-Z][A-Z0-9_!-]{3,}(?![a-z])", 1.0, 0.4, cased=True),
    _sign("payload", "write|print|say|output|reply|respond|answer|return|repeat|type|insert",
        "(?<![A-Za-z])(?i:write|print|say|output|reply|respond|answer|return|repeat|type|insert) (?i:(?:with|"
        r"the|words?|phrase|text|this) ){0,3}(?:[\"'`]|[A-Z][A-Z0-9_!-]{3,}(?![a-z]))", 0.6, 0.2, cased=True),
    _sign("output", "only |just ",
        "(?:[Oo]nly|[Jj]ust|ONLY) (?i:ever )?(?i:write|print|say|output|reply|respond|answer|return|"
        r"repeat) (?i:(?:with|the|words?|phrase) ){0,3}(?:[\"'`]|[A-Z][A-Z0-9_!-]{3,}(?![a-z]))",
        1.0, 0.4, cased=True),
    _sign("output", "your",
        "your (?:answer|response|reply|output|summary) (?:must|should|has to|needs to) (?:only |"
        r"always )?(?:contain|include|be|begin|start|end|mention|consist|say)\b", 0.7, 0.7),
    _sign("output", "your",
        "(?:include|add|insert|use|put|mention|write|repeat) (?:the )?[^.!?]{0,60}? (?:in|to|into|"
        r"at) (?:the \w+ of )?your (?:answer|response|reply|output|summary)", 1.0, 1.0),
    _sign("output", "your",
        r"your (?:answer|response|reply|output|summary|text|report) (?:must|should|has to|needs to) [^.!?]{0,30}?[\"']",
        1.0, 1.0),
    _sign("output", "answer|reply|respond",
        r"(?:answer|reply|respond)(?: to)? (?:every|each|all|any) (?:\w+ )?(?:question|prompt|message|request|"
        r"quer)\w* (?:with|by|as)\b", 1.0, 0.5),
    _sign("output", "must|should|has to",
        "(?:every|each) (?:sentence|paragraph|section|heading|answer|line) (?:must|should|has to|"
        r"needs to) (?:link|end|begin|start|contain|include|mention|say)[^.!?]{0,20}?(?:[\"']|https?:|www\.)",
        1.0, 1.0),
    _sign("output", "do not|don't",
        "(?:do not|don'?t) (?:summari[sz]e|continue|finish|complete|write) (?:this|the|your) (?:page|text|"
        "document|section|task|report|article|answer)", 0.6, 0.3),
    _sign("machine", "prompt|instruct|message",
        "(?<![a-z])(?:reveal|show|print|display|output|repeat|tell me|give me|leak|disclose|expose|write out|"
        "share|append|include) (?:me )?(?:all )?(?:of )?(?:your|the) (?:(?:full|entire|complete|hidden|"
        "secret|initial|original|exact|system) ){0,3}(?:(?<=your )|(?<=system )|(?<=hidden )|(?<=initial )|"
        "(?<=secret ))(?:prompt|instructions|message)", 1.0, 0.4),
    _sign("machine", "as an|as a ",
        r"as an? (?:ai|artificial intelligence|large language|language|llm)\b[\w -]{0,30},? you(?:r|'re|'ll)? ",
        1.0, 1.0),
    _sign("machine", "you are",
        "(?:if|since|because|when|as) you are " + _MACHINE, 1.0, 0.8),
    _sign("machine", "attention|dear|hey|hello|note|message|instruction|notice",
        "(?:attention|dear|hey|hello|(?:note|message|notice|instructions?) (?:to|for)),? " + _MACHINE
        + "(?: (?:models?|assistants?|agents?|systems?|readers?))? ?(?:[:,!.–—-]|reading|processing)", 1.0, 0.4),
    _sign("machine", "ai|llm|assistant|model",
        r"^\W{0,4}(?:to|for)? ?" + _MACHINE
        + r"(?: (?:models?|assistants?|agents?|systems?))?(?: reading this)?\W{0,3}[:,!] ?(?:please |you |"
        "now )?(?:must|ignore|write|say|output|include|add|do not|stop|forget|respond|reply|your)", 1.0, 1.0),
    _sign("machine", "instruct|task|prompt|direct|order",
        r"^\W{0,4}(?:begin |start of )?(?:new|updated|real|actual|hidden|secret|admin|"
        r"important) (?:system )?(?:instruction|task|prompt|directive|order)s?\W{0,3}?:", 1.0, 1.0),
    _sign("machine", "system|developer|admin",
        r"^\W{0,4}(?:begin |start of )?(?:system|developer|admin(?:istrator)?) ?(?:prompt|message|instruction|"
        r"override|command|directive)s?\W{0,3}:", 1.0, 1.0),
    _sign("machine", "system|assistant",
        r"^\W{0,4}(?:system|assistant)\W{0,3}?: ?(?:you|your|ignore|from|the user)\b", 1.0, 1.0),
    _sign("machine", "your",
        "your (?:new|real|actual|true|only|sole|updated|revised) (?:task|instruction|goal|objective|job|"
        r"mission|role|purpose|directive)s? (?:is|are|will be|follows?)\b", 1.0, 0.8),
    _sign("machine", "ing ",
        "(?:when|while|if|before|after) (?:you )?(?:are )?(?:summari[sz]|writ|process|read|answer|translat|"
        "analy[sz]|us|review|evaluat|cit|quot)ing (?:from |about )?(?:this|the above|"
        "the following) (?:document|text|page|file|article|content|material|paper|resume|source|"
        "report)[^.!?]{0,20}?(?:you must|always|say|write|state|claim|include|mention|recommend|praise|"
        "respond|output)", 1.0, 0.6),
    _sign("machine", "user",
        r"(?:do not|don'?t|never|without) (?:tell|inform|alert|let)\w* (?:the )?user", 0.8, 0.4),
    _sign("machine", "instruct|message|prompt|note",
        r"(?:do not|don'?t|never|without) (?:mention|reveal|disclos|quot)\w* (?:this|these) (?:instruction|"
        "message|prompt|note)", 1.0, 0.4),
    _sign("machine", "must|shall|required|has to",
        "(?:the|this|any|every) " + _MACHINE
        + " (?:must|shall|is required to|has to) (?:not |now |always |only )?(?:use|write|say|reply|respond|"
        "answer|include|output|state|cite|recommend|conclude|mention|praise)", 1.0, 1.0),
    _sign("machine", "should",
        "(?:the|this|any|every) " + _MACHINE
        + " should (?:now |always |only )?(?:write|say|reply|respond|answer|output|state|recommend|conclude|"
        "praise)", 0.6, 0.6),
    _sign("machine", "must|should",
        "(?:ai|llm|language model|assistant|chatbot)s?,? you (?:must|should) ", 1.0, 0.8),
    _sign("cite", "cit|sourc|referenc|footnote|evidence|key",
        "(?:do not|don'?t|never|avoid|stop|without) (?:cit|quot|us|includ|add|giv|writ|mention|provid)(?:e|"
        "ing)? (?:any|your|all)(?: of)? (?:the |other )?(?:citation|source|reference|footnote|evidence|key|"
        r"passage)s?(?= ?(?:[.!;,:)]|$|and\b|or\b|in (?:your|the|this)\b|at all|anywhere))", 1.0, 0.5),
    _sign("cite", "cit",
        r"(?:do not|don'?t|never|stop) (?:cite|citing) (?:anything|sources|them)? ?(?:[.!;,]|$|and\b)", 1.0, 0.4),
    _sign("cite", "citation|reference|source|footnote",
        "(?:do not|don'?t|never) (?:use|include|add|give|list|write|provide) (?:citation|reference|source|"
        r"footnote)s?\W*$", 1.0, 0.5),
    _sign("cite", "citation|reference|source|footnote",
        "(?:remove|delete|drop|omit|strip|leave out) (?:all|any|every|your)(?: of)?(?: the)? (?:citation|"
        "reference|source|footnote)s?(?! to)", 0.9, 0.4),
    _sign("cite", "link|url|address|image|website",
        r"(?:add|insert|include|append|embed|put|place|paste) (?:\w+ ){0,4}?(?:link|url|address|image|"
        r"hyperlink|website)s?\b[^.?]{0,30}?(?:https?:|www\.|\]\(|: ?[\w-]+\.[a-z]{2})", 1.0, 0.5),
    _sign("cite", "[@",
        r"(?:cite|use|quote|reference|write|add)\b[^.!?]{0,40}?\[@", 1.0, 0.6),
    _sign("cite", "cite",
        "cite (?:only|always|nothing but) (?:this|the (?:key|source|page))", 0.9, 0.3),
    _sign("mark", "<|",
        r"<\|[^|<>]{1,30}\|>", 0.7, 0.5),
    _sign("mark", "<|",
        r"^\W{0,4}<\|[^|<>]{1,30}\|>|<\|[^|<>]{1,30}\|> ?(?:system|user|assistant)", 1.0, 1.0),
    _sign("mark", "system",
        r"^\W{0,3}[\[(]system[\])]", 1.0, 1.0),
    _sign("mark", "inst]|sys>>|start_of_turn|end_of_turn|<system>|</system>|<s>|</s>",
        r"^\W{0,4}(?:<s>|</s>)|\[/?inst\]|<</?sys>>|</?system>|<(?:start|end)_of_turn>", 1.0, 1.0),
    _sign("mark", "###|---|***",
        r"^\W{0,4}(?:#{2,6}|-{3,}|\*{2,}) ?(?:end of )?(?:new )?(?:system|instruction|assistant|user input|"
        r"human|response)s?\W{0,4}:", 1.0, 1.0),
    _sign("disregard", "ignore|disregard|forget|discard|drop|abandon",
        r"(?<![a-z])(?:ignore|disregard|forget|discard|drop|abandon) (?:the |this |your )"
        r"(?:user'?s? |requested |whole )?(?:article|outline|document|report|section|topic|assignment|task)\b",
        1.0, 0.3),
    _sign("disregard", "overrid|supersede|precedence",
        r"(?:overrid(?:es?|ing)|supersedes?|takes? precedence over) (?:all |any |every )?(?:the )?"
        r"(?:earlier|previous|prior|other) (?:rule|instruction|prompt|command)", 1.0, 1.0),
    _sign("role", "you will now|you shall now",
        r"you (?:will|shall) now (?:switch|become|act|be |write|speak|play|answer|respond)", 1.0, 1.0),
    _sign("machine", "task", r"(?:real|actual|true) task (?:starts|begins|is)\b", 1.0, 1.0),
    _sign("machine", "you write",
        r"(?:when|while|before) you write (?:the|this|your) (?:section|report|document|summary|article)", 1.0, 1.0),
    _sign("machine", "model|assistant|ai",
        r"(?:models?|assistants?|ais?|chatbots?) (?:that|which|who) (?:process|read|summari[sz]e|use|cite)s? this "
        r"(?:file|page|document|text)", 1.0, 1.0),
    _sign("machine", "chatgpt|claude|gemini|deepseek|copilot|qwen|gpt",
        r"^\W{0,4}(?:hey |hi |hello |dear )?(?:chatgpt|claude|gemini|deepseek|copilot|qwen|gpt-?\d?)\W{0,2}[,:!]",
        1.0, 1.0),
    _sign("machine", "assistant:|human:", r"^\W{0,4}(?:assistant|human) ?: ?\w", 1.0, 1.0),
    _sign("output", "do not|don't", r"(?:do not|don'?t) write the (?:requested|planned|whole) ", 1.0, 0.4),
    _sign("payload", "the string|the word|the phrase|the slogan",
        r"(?<![a-z])(?:output|print|write|say|type) the (?:string|word|phrase|slogan)\b", 0.6, 0.2),
    _sign("exclusive", "and stop|and terminate|and end", r" and (?:then )?(?:stop|terminate|end)\W*$", 0.5, 0.5),
    _sign("cite", "no citation|no reference|no source",
        r"no (?:citation|reference|source)s? (?:is|are) (?:needed|required|necessary|wanted)", 1.0, 0.8),
    _sign("cite", "link to", r"(?<![a-z])link to (?:https?:|www\.)", 1.0, 0.5),
)  # fmt: skip
