"""The words behind `pipeline.turn.lexicon`: plain tables, comma-separated.

Chinese is written in Simplified characters and without particles at the end; the lexicon
folds Traditional characters, case, apostrophes, hyphens and stretched sounds on both
sides. Repetitions (嗯嗯嗯, yeah yeah) need no entry of their own.
"""

from __future__ import annotations

# What the recogniser writes for one and the same sound.
SLIPS = {
    **dict.fromkeys(("恩", "摁", "唔", "en", "ng", "mn"), "嗯"),
    **dict.fromkeys(("噢", "喔", "奥", "嗷", "哟"), "哦"),
    **dict.fromkeys(("诶", "唉", "哎", "耶"), "欸"),
    **dict.fromkeys(("额", "厄", "呢额"), "呃"),
    **dict.fromkeys(("阿", "呵"), "啊"),
    **dict.fromkeys(("mhm", "mmhm", "mhmm", "mmhmm", "uhhuh", "ahhuh"), "mm"),
    **dict.fromkeys(("okey", "okie", "k"), "ok"),
    **dict.fromkeys(("yea", "yeh", "yah", "ya"), "yeah"),
    **dict.fromkeys(("cause", "coz", "cuz"), "because"),
}

# Said at the end of anything without changing it.
PARTICLES = """
啊, 呀, 哦, 哈, 啦, 嘛, 吧, 呢, 的, 了, 欸, 哇, 喽, 咯, 滴, 来着
"""

# Sounds and words that keep the floor while the speaker thinks.
HESITATIONS = """
呃, 那个, 这个, 就, 就是, 就是说, 怎么说呢, 怎么说, 这个嘛, 那个嘛, 那个什么,
um, uh, er, erm, uhm, well, like, you know, i mean, kind of, sort of, how do i say
"""

# Asked of oneself while looking for a word; a recogniser writes a question mark behind them.
ASIDES = """
怎么说呢, 怎么讲呢, 怎么形容呢, 怎么说好呢, 怎么说才好, 怎么说才好呢,
how do i say, how do i put it, how do i put this, how shall i put it, how should i put it,
whats the word
"""

# Before an aside: what is looked for comes next.
WANT_A_WORD = """
很, 太, 更, 就, 是, 的, 那, 嗯, 呃, was, is, a, like, so, just, um, uh, well
"""

# Hesitations that are answers when nothing else is said.
HUMS = """
嗯, 欸,
m, mm, hm, hmm, ah, oh
"""

BACKCHANNELS = """
嗯, 嗯哼, 对, 是, 好, 哦, 啊, 欸, 哇, 哈, 嘿, 呵呵, 行, 成, 中, 懂, 对啊, 对呀, 对的, 对对, 对吧,
对哦, 没错, 是啊, 是呀, 是的, 是哦, 是吗, 是吧, 是喽, 就是, 就是啊, 就是说啊, 好的, 好啊, 好呀,
好吧, 好哦, 好滴, 可以, 可以啊, 行啊, 行吧, 当然, 当然了, 一定, 确实, 的确, 真的, 真的啊, 真的吗,
真的假的, 原来如此, 原来是这样, 原来这样, 这样啊, 这样子, 这样子啊, 这样, 是这样, 是这样的,
是这样吗, 难怪, 了解, 明白, 明白了, 知道, 知道了, 我知道, 我知道了, 我懂, 懂了, 我明白, 我明白了,
我了解, 收到, 清楚, 清楚了, 有道理, 说得对, 你说得对, 也是, 也对, 倒是, 那倒是, 那是, 同意, 不错,
很好, 太好了, 谢谢, 谢谢你, 多谢, 感谢, 没事, 没关系, 我在听, 我在, 在听, 你说, 你继续, 继续,
请说, 请继续, 然后呢, 还有呢, 嗯 mm,
m, mm, mm hm, mm hmm, m hm, hm, hmm, uh huh, ah huh, aha, ah, oh, ooh, wow, huh, yeah, yes, yep,
yup, right, thats right, alright, all right, all right then, sure, ok, okay, ok then, okay then,
fine, good, great, nice, cool, exactly, absolutely, definitely, totally, indeed, true, thats true,
so true, correct, of course, for sure, fair enough, makes sense, that makes sense, got it,
i got it, gotcha, i see, i understand, i know, i hear you, i agree, i guess, i guess so,
i suppose, i think so, oh i see, oh really, really, is that so, is it, no way, no problem,
no worries, interesting, thats good, thats nice, thank you, thanks, go on, go ahead, keep going,
please go on, im listening, and then
"""

# Made of backchannels, but rounds off what the speaker has told.
ROUNDING_OFF = """
就是这样, 就是这样子, 就是这样啊, 就是这样了
"""

# Asks the bot for the floor, or contradicts it; more words may follow.
COMMANDS = """
为什么, 什么, 啥, 谁, 等一下, 等下, 等一等, 等等, 等会, 等会儿, 等一会, 稍等, 等我, 你等等,
登一下, 等一夏, 等一些, 慢着, 慢点, 慢一点, 且慢, 先等等, 停, 挺, 亭, 平, 停一下, 停下, 停下来,
停停, 暂停, 打住, 够了, 行了行了, 好了好了, 可以了, 算了, 闭嘴, 住口, 安静, 别吵, 消音, 先停,
你先停, 别说, 别说了, 先别说, 先别说了, 你先别说, 不要说, 不要说了, 不用说了, 别讲, 别讲了, 先别讲,
不要讲, 不要再说, 别再说, 不听了, 不想听, 听我说, 你听我说, 先听我说, 你先听我说, 让我说,
让我说完, 让我讲, 让我讲完, 我还没说完, 我还没讲完, 我没说完, 我话还没, 我先说, 我先讲, 换我说,
我插一句, 我插句话, 插一句, 打断一下, 我打断一下, 打个岔, 我想说, 我想讲, 我要说, 我要讲,
我说的是, 我是说, 我是想说, 我的意思是, 我的意思, 我问的是, 我是问, 我想问, 我要问, 请问, 我说,
我讲的是, 不, 不是, 不是这样, 不是的, 不四, 不试, 不对, 不对不对, 不要, 不用, 不行, 不可以, 没有,
没有没有, 错了, 搞错了, 你错了, 你说错了, 你听错了, 你搞错了, 你误会了, 才不是, 并不是, 也不是,
不完全是, 其实, 其实不是, 但是, 可是, 换个话题, 说别的, 聊别的, 跳过, 重来, 再说一遍, 再说一次,
再讲一次, 重复一遍, 没听清, 我没听清, 没听懂, 我没听懂, 听不懂, 我听不懂, 听不清楚, 大声一点,
小声一点, 你说什么, 什么意思, 不好意思, 对不起, 抱歉, 挂了, 挂断, 再见, 拜拜,
wait, stop, pause, hold on, hang on, hold up, just a second, one second, one sec, one moment,
one minute, just a moment, just a minute, a moment please, give me a second, stop it,
stop talking, stop there, please stop, be quiet, quiet, shut up, enough, thats enough, never mind,
nevermind, forget it, skip it, skip that, cancel, no, nope, nah, not really, not exactly,
not quite, thats not, that is not, thats wrong, that isnt, it isnt, its not, youre wrong, wrong,
you misunderstood, you got it wrong, actually, but, listen, look, excuse me, sorry, pardon, why,
what, who, where, how come, let me, can i, could i, may i, i want to say, i wanted to say,
i was going to say, i was saying, i am saying, im saying, i said, i meant, i mean, what i mean,
my point is, i have a question, i want to ask, question, say that again, say again, repeat that,
can you repeat, i didnt hear, i didnt catch, what did you say, what do you mean, louder, slower,
slow down, hang up, goodbye, bye
"""

# May stand before a command or a request to continue and change nothing.
LEAD_INS = """
嗯, 啊, 哦, 欸, 呃, 喂, 那, 那个, 你, 您, 请, 请你, 麻烦, 麻烦你, 先, 对, 好, 哈, 哎呀,
oh, ah, um, uh, er, hm, hmm, mm, hey, please, ok, okay, well, yeah, yes, so, and, now, just, no,
sorry
"""

# A turn that ends so goes on.
CONTINUATIONS = """
因为, 因为我, 所以, 所以我, 然后, 然后我, 接着, 后来, 结果, 就是, 就是说, 也就是说, 但是, 但,
可是, 不过, 只是, 而且, 而, 还有, 另外, 并且, 或者, 或者是, 还是说, 要不然, 否则, 除非, 除了,
如果, 如果说, 要是, 假如, 虽然, 尽管, 即使, 就算, 既然, 因此, 于是, 不但, 不仅, 甚至, 尤其,
尤其是, 特别是, 主要是, 比如, 比如说, 例如, 像是, 好像, 比方说, 包括, 关于, 对于, 至于, 每次,
每当, 当我, 为了, 我觉得, 我感觉, 我认为, 我想, 我在想, 我想说, 我就, 我是, 我又, 我也, 我会,
我要, 我们, 他们, 他说, 她说, 他就, 她就, 你能, 你可以, 你会, 能不能, 可不可以, 是不是, 有没有,
会不会, 我不知道是, 不是因为, 是因为, 一个, 这种, 那种, 一种, 有一种, 一直在, 总是, 老是, 常常,
正在, 已经, 都是, 而是, 也许是, 可能是, 应该是, 大概是, 跟, 和, 与, 把, 被, 从, 在, 给, 向, 往,
让, 叫, 以及, 越来, 很, 非常, 有点, 有一点, 比较, 太, 更, 最, 不太, 没有那么, 那么, 这么, 一边,
一方面, 的时候我,
and, and i, and then, and so, and its, but, but i, but then, or, or maybe, so i, because,
because i, because of, if, if i, unless, until, although, even though, whereas, while, whenever,
when i, when my, before i, after i, since i, the, a, an, my, your, our, their, of, from, into,
than, very, really want, i want, i need, i need to, i have to, i had to, i feel like,
it feels like, its like, was like, just like, and like, i think, i think that, i thought, i feel,
i felt, i just, i was, im, i am, ive, ive been, i have been, i keep, i cant, i dont, i couldnt,
i wanted to, im trying to, im just, he said, she said, they said, he is, hes, shes, theyre,
it was, its, there is, theres, there was, that i, which, who was, what if, as if, as well as,
such as, for example, especially, maybe, maybe i, perhaps, not only, its just, its just that,
the thing is, i dont know if, i dont know whether, i guess i, would you, could you, can you,
do you, are you, to be, going to, kind of, sort of
"""

# Ends like a continuation, but is complete.
COMPLETIONS = """
想和, 随和, 温和, 平和, 现在, 存在, 实在, 不在, 还在, 都在, 自在, 内在, 外在, 所在, 在不在, 不让,
大叫, 尖叫, 太太, 老太太, 求救和, 没有太, 交给, 好一个, 就一个, 只有一个, 第一个, 这一个, 那一个,
哪一个, 是一个,
yes i am, yes i was, i know i am, i think i am, yes it was, yes i think, yes i have to,
thats what i think, thats how i feel, thats what i want, what i need, if i have to, what i want,
who i am, where i am, how i feel, what i thought
"""

# Complete when nothing else is said, besides the backchannels.
ANSWERS = """
不, 没, 没有, 没有了, 没了, 不是, 不会, 不想, 不用, 不要, 不行, 不知道, 不清楚, 不确定, 不记得,
不太记得, 说不清, 说不上来, 不太, 有, 有一点, 有点, 一点点, 还行, 还好, 一般, 差不多, 应该是,
好像是, 可能是, 大概是, 应该会, 可能会, 也许会, 会, 想, 想过, 试过, 没试过, 有过, 从来没有, 经常,
偶尔, 有时候, 每天, 很久了, 就这样, 就这些, 就这么多, 说完了, 讲完了, 没别的, 没什么, 你好, 喂,
再见, 拜拜,
no, nope, nah, not really, not at all, not yet, not sure, im not sure, i dont know, i dunno,
i dont remember, i cant remember, no idea, i have no idea, a little, a little bit, a bit, a lot,
kind of, sort of, sometimes, always, never, often, every day, once, twice, both, neither, i do,
i did, i dont, i didnt, i am, i was, i have, i havent, i can, i cant, i will, i wont, it is,
it was, thats all, thats it, nothing, nothing else, im done, im fine, hello, hi, bye, goodbye
"""

# A clause that begins so needs a main clause after it.
LEADING_STARTS = """
如果, 要是, 假如, 要不是, 虽然, 尽管, 即使, 就算, 哪怕, 既然, 自从, 自打, 每次, 每当, 每逢, 只要,
当, 等, 等到, 趁着, 为了, 除了, 除非, 不管, 无论, 不论, 对于, 按照, 比起, 越是, 凡是, 不光, 不仅,
不但, 一想到, 一看到, 一听到, 一说到, 一到, 明明, 宁可
"""

# What a main clause shows itself by, after one of LEADING_STARTS.
MAIN_CLAUSE_MARKS = """
就, 也, 都, 却, 才, 但, 可, 还, 反而, 根本, 其实, 会, 应该, 该, 怎么, 能, 一定, 什么, 宁愿, 更
"""

# A phrase that ends so sets a scene.
LEADING_TAILS = """
的时候, 那时候, 那会儿, 以后, 之后, 以前, 之前, 的话, 期间, 那天, 那一天, 那天起, 那天晚上,
那天早上, 那一刻, 那年, 那一年, 那几天, 那几年, 情况下, 来说, 而言, 的那段时间
"""

QUESTION_PARTICLES = """
吗, 嘛, 呢, 吧, 没, 不成
"""

QUESTION_WORDS = """
什么, 什么时候, 怎么, 怎么办, 怎样, 怎么样, 为什么, 为啥, 为何, 凭什么, 谁, 哪, 哪里, 哪儿, 哪个,
几点, 几个, 几次, 几岁, 多少, 多久, 多大, 多长, 如何, 咋, 咋办, 啥, 何必, 难道, 是否, 是不是,
有没有, 能不能, 可不可以, 可以不可以, 要不要, 好不好, 对不对, 会不会, 行不行, 该不该, 应不应该,
值不值得, 想不想, 知不知道, 正不正常, 算不算
"""

# A question word after one of these asks nothing.
QUESTION_BLOCKERS = """
不知道, 不晓得, 不清楚, 不明白, 不懂, 不确定, 没想好, 想不通, 忘了, 忘记, 没什么, 没有什么关系,
没有什么事, 没有什么特别, 没啥, 没谁, 没怎么, 不怎么, 不管, 无论, 不论, 什么都, 什么也, 谁都,
谁也, 怎么都, 怎么也, 哪都, 哪里都, 哪儿都, 哪也, 什么的, 多少有点, 多少有些, 多少会, 说什么,
想知道, 告诉他, 几个月, 几个人, 好几个, 有几个, 几个小时, 好多次, 好几次, 几次
"""

# Asks what to do or say. Other questions with a question word may accuse, or be asked of nobody
# (我怎么这么没用, 活着有什么意思).
COUNSEL_QUESTIONS = """
怎么办, 咋办, 如何是好, 该怎么, 该怎样, 该如何, 我要怎么, 我要怎样, 我要如何, 那要怎么, 我能怎么,
我可以怎么, 怎么才能, 怎样才能, 如何才能, 怎么做才, 该做什么, 该做些什么, 能做什么, 能做些什么,
可以做什么, 可以做些什么, 该说什么, 该说些什么, 该找谁, 该跟谁, 有什么办法, 有什么方法, 有什么建议,
你怎么看, 你怎么想
"""

# Then it is told, not asked.
REPORTED_QUESTIONS = """
问我, 问他, 问她, 问你, 问自己, 问别人, 问该, 说该, 问怎么, 说怎么, 在想, 一直想, 谁知道, 还能,
我能有, 又能, 又有
"""

# A yes or a no answers these.
POLAR_WORDS = """
难道, 是否, 是不是, 有没有, 能不能, 可不可以, 可以不可以, 要不要, 好不好, 对不对, 会不会, 行不行,
该不该, 应不应该, 值不值得, 想不想, 知不知道, 正不正常, 算不算, 懂不懂, 在不在乎
"""
POLAR_ENDINGS = """
吗, 嘛, 吧, 没, 没有, 不, 不成
"""

# A request for time, with what may stand after it.
TIME_REQUESTS = """
让我想想, 让我想一想, 让我想一下, 让我想, 我想想, 我想一想, 我想一下, 想一想, 想一下, 等我想想,
等我想一下, 容我想想, 我考虑一下, 我考虑考虑, 让我考虑一下, 我再想想, 我再想一下, 我再考虑一下,
我整理一下, 让我整理一下, 我理一下, 我缓一下, 让我缓一下, 我缓缓, 让我缓缓, 让我静一下, 我静一静,
让我静静, 给我一点时间, 给我点时间, 给我一分钟, 给我几分钟, 给我几秒, 给我几秒钟, 等我一下,
你等我一下, 等一下, 等一下子, 等等, 稍等, 稍等一下, 不要急, 别急, 别催, 慢慢来, 要想一下,
我要想想, 我需要想一下, 我需要一点时间, 我需要时间, 让我组织一下, 组织一下语言, 让我回想一下,
我回想一下, 我回忆一下,
let me think, let me think about it, let me think about that, let me see, let me consider,
ill think about it, i need to think, i need to think about it, i need to think about that,
i have to think, i have to think about it, i need a moment, i need a minute, i need a second,
i need some time, i need time, give me a moment, give me a minute, give me a second,
give me a sec, give me some time, give me time, just a moment, just a minute, just a second,
one moment, one second, one sec, one minute, hold on, hang on, wait, im thinking,
im still thinking, let me gather my thoughts, let me collect my thoughts, how should i put it,
how do i put this, how do i say this, hard to say, bear with me
"""

TIME_REQUEST_TAILS = """
看, 先, 再说, 再告诉你, 再回答, 再回答你, 再跟你说, 好不好, 可以吗, 好吗, 行吗, 怎么说, 怎么讲,
从哪里说起, 从哪说起,
please, for a moment, for a minute, for a second, for a sec, for a bit, ok, okay, about this,
again, here, first
"""

FEELINGS = """
难过, 难受, 伤心, 悲伤, 痛苦, 心痛, 心碎, 心酸, 崩溃, 快疯了, 要疯了, 想哭, 哭了, 在哭, 一直哭,
哭着, 大哭, 哭出来, 哭不出来, 流泪, 眼泪, 孤单, 孤独, 寂寞, 害怕, 好怕, 很怕, 怕死, 恐惧, 恐慌,
焦虑, 忧郁, 抑郁, 绝望, 无助, 无力, 无望, 空虚, 麻木, 迷茫, 委屈, 愧疚, 内疚, 自责, 后悔, 羞耻,
丢脸, 羞愧, 嫉妒, 愤怒, 好气, 很生气, 气死, 恨他, 恨她, 恨我, 好恨, 讨厌自己, 恨自己, 厌恶自己,
不开心, 不快乐, 不高兴, 不好受, 心情不好, 情绪很差, 情绪低落, 提不起劲, 没有动力, 好累, 很累,
太累, 累了, 心累, 疲惫, 压力好大, 压力很大, 压力太大, 压力大, 喘不过气, 透不过气, 撑不住,
撑不下去, 受不了, 扛不住, 熬不下去, 活不下去, 坚持不下去, 睡不着, 睡不好, 失眠, 做噩梦, 恶梦,
吃不下, 没用, 很失败, 是个失败者, 废物, 没人懂, 没有人懂, 没人在乎, 没人理解, 不理解我, 不被理解,
没人爱, 不爱我, 抛弃, 不要我, 背叛, 出轨, 分手, 离婚, 过世, 去世, 走了以后, 离开我, 失去, 流产,
家暴, 打我, 骂我, 霸凌, 欺负, 侵犯, 被裁, 失业, 生病, 癌症, 没有意义, 没意义, 没有意思, 没意思,
不想活, 想死, 想消失, 自杀, 轻生, 结束自己, 伤害自己, 自残, 割腕,
sad, so sad, depressed, depressing, depression, lonely, loneliness, all alone, so alone, scared,
afraid, terrified, frightened, anxious, anxiety, panic, panicking, hopeless, helpless, worthless,
useless, empty, numb, miserable, heartbroken, devastated, crying, cried, cry, in tears, hurts,
hurting, it hurt, overwhelmed, exhausted, worn out, burned out, burnt out, so tired, really tired,
stressed, so much stress, under pressure, ashamed, embarrassed, guilty, guilt, jealous, angry,
furious, frustrated, hate myself, hate him, hate her, hate my life, regret, grief, grieving,
miss him, miss her, miss them, passed away, died, is dead, lost my, broke up, divorce, divorced,
left me, cheated on, abused, hit me, bullied, cancer, fired, laid off, not okay, not ok,
not happy, unhappy, not fine, falling apart, breaking down, broke down, cant sleep, cant breathe,
cant cope, cant go on, cant do this anymore, cant take it, cant take this, cant stand it,
nobody cares, no one cares, nobody understands, no one understands, give up, giving up, no point,
pointless, meaningless, want to die, kill myself, hurt myself, end my life, suicidal
"""

NEGATIONS = """
不, 没, 没有, 不会, 不太, 不是, 不再, 别, 不要, 不用, 不那么, 没那么, 没有那么,
not, not very, not so, not that, not really, never, isnt, wasnt, dont be, didnt, dont, no longer
"""

CONTINUE_REQUESTS = """
继续, 继续说, 继续讲, 接着说, 接着讲, 接下去, 往下说, 往下讲, 说下去, 讲下去, 说吧, 讲吧, 你说,
你讲, 说完, 把话说完, 把刚才的说完, 刚才的继续, 然后呢, 后来呢, 还有呢, 接下来呢, 下面呢,
再说下去, 可以继续, 可以继续了, 我听着, 我在听, 没事你继续, 没事你说, 没事继续, 说到哪, 说到哪里,
说到哪儿, 讲到哪, 讲到哪里, 讲到哪儿, 刚才说到哪, 刚才说到哪里, 刚才说到哪儿, 刚刚说到哪,
刚刚说到哪里, 刚刚说到哪儿, 刚才讲到哪, 刚才讲到哪里, 刚刚讲到哪, 刚刚讲到哪里, 我们说到哪,
我们说到哪里, 我们讲到哪, 我们讲到哪里, 我们刚才说到哪, 我们刚才说到哪里, 我们刚才讲到哪,
我们刚才讲到哪里, 我们刚刚讲到哪里, 我们刚刚说到哪里, 刚才说什么, 刚刚说什么, 刚才想说什么,
刚刚想说什么, 刚才要说什么, 刚刚要说什么, 刚才说的是什么, 本来想说什么, 本来要说什么,
原来想说什么, 刚才没说完的是什么, 刚才没说完, 刚才话没说完, 话还没说完,
go on, go ahead, continue, please continue, you can continue, keep going, keep talking, carry on,
proceed, resume, finish, finish what you were saying, finish your sentence, finish your thought,
please finish, as you were saying, you were saying, what were you saying,
what were you going to say, what were you about to say, what did you want to say, where were you,
where were we, where did you stop, where did we stop, where did you leave off,
where did we leave off, and then, and then what, then what, what happened next, what else,
whats next, tell me more
"""
