"""Words whose sound the pronunciation dictionary does not give as they are said.

The dictionary is pypinyin 0.55's. It writes full tones where conversation has neutral
ones, and literary readings for interjections.
"""

from __future__ import annotations

# Pinyin of words, syllable by syllable.
CORRECTIONS = {
    "为什么": "wei4 shen2 me5", "什么": "shen2 me5", "怎么": "zen3 me5", "这么": "zhe4 me5",
    "一点儿": "yi4 dian3 er5", "有点儿": "you3 dian3 er5", "一会儿": "yi2 hui4 er5",
    "好好儿": "hao3 hao1 er5", "慢慢儿": "man4 man1 er5", "这儿": "zhe4 er5", "那儿": "na4 er5",
    "哪儿": "na3 er5", "睡不着": "shui4 bu5 zhao2", "对不起": "dui4 bu5 qi3",
    "来不及": "lai2 bu5 ji2", "了不起": "liao3 bu5 qi3", "受不了": "shou4 bu5 liao3",
    "忍不住": "ren3 bu5 zhu4", "舍不得": "she3 bu5 de5", "觉得": "jue2 de5", "角色": "jue2 se4",
    "们": "men5", "了": "le5", "呢": "ne5", "得": "de5", "地": "de5", "着": "zhe5",
    "肚子": "du4 zi5", "踏实": "ta1 shi5", "麻将": "ma2 jiang4",
    "数落": "shu3 luo5", "商量一下": "shang1 liang5 yi2 xia4",
    "嗯": "en4", "嗯嗯": "en4 en4", "唔": "en4", "呣": "en4", "哦": "o4", "噢": "o4", "喔": "o4",
    "诶": "ei4", "欸": "ei4", "哎": "ai4", "唉": "ai4", "哼": "heng1", "嘘": "xu1",
}  # fmt: skip

# Words whose last syllable is neutral, also at the end of longer words (没关系).
_NEUTRAL_ENDINGS = """
    朋友 事情 关系 喜欢 结实 漂亮 大夫 打量 妈妈 爸爸 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹
    叔叔 姥姥 舅舅 姑姑 婆婆 公公 太太 先生 丈夫 女婿 媳妇 亲戚 孩子 儿子 妻子 房子
    样子 日子 肚子 脑子 嗓子 鼻子 耳朵 眼睛 头发 指头 骨头 舌头 胳膊 嘴巴 下巴 尾巴
    脾气 力气 客气 福气 运气 志气 名字 大人 明白 清楚 认识 告诉 商量 打算 打听 打扮
    招呼 照顾 麻烦 收拾 舒服 委屈 心思 意思 念头 盼头 前头 后头 里头 外头 上头 下头
    时候 早上 晚上 衣服 被子 枕头 窗户 东西 地方 故事 笑话 本事 本子 便宜 暖和 凉快
    热闹 干净 利索 老实 聪明 糊涂 马虎 勤快 痛快 担子 包袱 疙瘩 毛病 合适 答应 功夫
    工夫 规矩 人家 自在 折腾 唠叨 埋怨 吩咐 哆嗦 琢磨 嘀咕 嘟囔 惦记 体面 护士 行李
    钥匙 月亮 云彩 豆腐 馒头 葡萄 萝卜 我们 你们 他们 她们 它们 咱们 人们 这个 那个
    哪个 好处 坏处 用处 难处
"""
NEUTRAL_ENDINGS = frozenset(_NEUTRAL_ENDINGS.split())
