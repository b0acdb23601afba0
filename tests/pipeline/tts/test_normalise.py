"""Reading text aloud, in Mandarin and in English."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import Language
from pipeline.tts.base import Region
from pipeline.tts.normalise import normalise, simplified
from tests.pipeline.tts.speech import ODD_TEXTS

MANDARIN = [
    # quantities, 二 and 两
    ("我今年25岁", "我今年二十五岁"),
    ("2个人", "两个人"),
    ("22个", "二十二个"),
    ("第2次", "第二次"),
    ("2号", "二号"),
    ("2倍", "两倍"),
    ("2天2夜", "两天两夜"),
    ("200元", "两百元"),
    ("1,234,567", "一百二十三万四千五百六十七"),
    ("我有2,000元", "我有两千元"),
    ("用了12,345.6元", "用了一万两千三百四十五点六元"),
    ("1000000元", "一百万元"),
    ("0.5", "零点五"),
    ("只睡4.5个小时", "只睡四点五个小时"),
    ("第3名", "第三名"),
    ("2比1", "二比一"),
    # percent, fractions, ranges
    ("增长了12.5%", "增长了百分之十二点五"),
    ("1/2", "二分之一"),
    ("3-5天", "三到五天"),
    ("约3~5分钟", "约三到五分钟"),
    ("从1-10打分", "从一到十打分"),
    ("0-10", "零到十"),
    ("2-3遍", "两到三遍"),
    ("3-5句", "三到五句"),
    ("第2-3页", "第二到三页"),
    ("2-3年级", "二到三年级"),
    ("100-200", "一百到两百"),
    ("1,000-2,000元", "一千到两千元"),
    ("20-30%", "百分之二十到三十"),
    ("6–8小时", "六到八小时"),
    ("2—3次", "两到三次"),
    ("2-3kg", "两到三公斤"),
    ("$20-30", "二十到三十美元"),
    ("2019-2022", "二零一九到二零二二"),
    ("80-90后", "八零到九零后"),
    ("-5~3℃", "零下五到三摄氏度"),
    # what looks like a range: scores, steps, sums, codes
    ("比分3-1", "比分三比一"),
    ("2-3输了", "二比三输了"),
    ("5-4-3-2-1着陆", "五四三二一着陆"),
    ("5-3=2", "五减三等于二"),
    ("2024-05", "二零二四年五月"),
    # marks out of ten, and a day in October
    ("10/10的难过", "十分之十的难过"),
    ("压力10/10", "压力十分之十"),
    ("8/10分", "十分之八"),
    ("7.5/10", "十分之七点五"),
    ("10/10那天", "十月十日那天"),
    ("10/10的连假", "十月十日的连假"),
    ("2024/10/10", "二零二四年十月十日"),
    # dates and times
    ("2024年3月5日", "二零二四年三月五日"),
    ("2026/11/21", "二零二六年十一月二十一日"),
    ("10月1号", "十月一号"),
    ("90后", "九零后"),
    ("下午3:30见", "下午三点三十分见"),
    ("8:05", "八点零五分"),
    ("2点半", "两点半"),
    ("10-12点", "十到十二点"),
    ("10:00-12:00", "十点到十二点"),
    ("24小时", "二十四小时"),
    # money and units
    ("$3.50", "三点五零美元"),
    ("¥20", "二十元"),
    ("HK$50", "五十港元"),
    ("体重65.5kg", "体重六十五点五公斤"),
    ("每天跑5km", "每天跑五公里"),
    ("温度-5°C", "温度零下五摄氏度"),
    ("100m", "一百米"),
    ("500g", "五百克"),
    ("5g手机", "五g手机"),
    ("100MB", "一百兆"),
    ("0~5℃", "零到五摄氏度"),
    ("血压120/80", "血压一百二十比八十"),
    ("月薪1.5w", "月薪一点五万"),
    ("12,000元/月", "每月一万两千元"),
    # shares and signs
    ("-5%", "负百分之五"),
    ("100%", "百分之百"),
    ("3‰", "千分之三"),
    ("30%-40%", "百分之三十到百分之四十"),
    ("1+1=2", "一加一等于二"),
    ("5>3", "五大于三"),
    ("7/2", "七月二日"),
    # one or the next
    ("2、3天", "两三天"),
    ("2、30", "二、三十"),
    ("1、3次", "一、三次"),
    ("2~3次", "两到三次"),
    # names that have a number
    ("GPT-4", "GPT四"),
    ("COVID-19", "COVID十九"),
    ("A380", "A三八零"),
    ("B2层", "B二层"),
    ("第2名", "第二名"),
    ("No.2", "第二"),
    ("3栋2单元501", "三栋二单元五零幺"),
    ("307路", "三零七路"),
    ("南京路2段", "南京路二段"),
    # addresses
    ("上baidu.com看", "上baidu点com看"),
    ("https://www.a.org/b?c=1", "a点org"),
    ("li_na@163.com", "li下划线na艾特幺六三点com"),
    # telephone
    ("13812345678", "幺三八幺二三四五六七八"),
    ("138-1234-5678", "幺三八幺二三四五六七八"),
    ("+86 138 1234 5678", "加八六幺三八幺二三四五六七八"),
    ("拨打12356", "拨打幺二三五六"),
    ("打了30分钟", "打了三十分钟"),
    ("10-12岁", "十到十二岁"),
    ("打3-5折", "打三到五折"),
    ("手机5000元", "手机五千元"),
    ("400-161-9995", "四零零幺六幺九九九五"),
    ("555-0199", "五五五零幺九九"),
    ("2389 2222", "二三八九二二二二"),
    ("988 1925", "九百八十八 一千九百二十五"),
    ("500-1000", "五百到一千"),
    ("110和119", "幺幺零和幺幺九"),
    # Latin letters stay for the voice to spell
    ("5G", "五G"),
    ("A4纸", "A四纸"),
    # full width
    ("２０２４年", "二零二四年"),
    ("５０％", "百分之五十"),
    # what is not said
    ("**25**岁[委屈]😀", "二十五岁"),
    ("好[委屈]的", "好的"),
    ("，。！", "，。！"),
]

TAIWAN = [
    ("我今年25歲", "我今年二十五岁"),
    ("12個人", "十二个人"),
    ("隻有2隻貓", "只有两只猫"),
    ("民國113年", "民国一百一十三年"),
    ("下午2點20分", "下午两点二十分"),
    ("12月24號", "十二月二十四号"),
    ("撥打1925安心專線", "拨打一九二五安心专线"),
    ("打電話0912-345-178給我", "打电话零九一二三四五一七八给我"),
    ("請撥02-2345-6711", "请拨零二二三四五六七一一"),
    ("NT$1,200這麼貴", "一千两百元这么贵"),
    ("$100塊錢還你", "一百元块钱还你"),
    ("室溫26℃", "室温二十六度"),
]

ENGLISH = [
    ("I'm 25 years old.", "I'm 25 years old."),  # the phonemiser reads plain numbers itself
    ("at 3:30 pm", "at three thirty P.M."),
    ("on March 5", "on March fifth"),
    ("It's -5°C outside", "It's -5 degrees Celsius outside"),
    ("3-5 days", "3 to 5 days"),
    ("Dr. Smith", "Dr Smith"),
    ("It is 555-123-4567.", "It is 5 5 5, 1 2 3, 4 5 6 7."),
    ("1-800-273-8255", "1, 8 0 0, 2 7 3, 8 2 5 5"),
    ("Please call 988 now", "Please call 9 8 8 now"),
    ("call 116 123", "call 1 1 6, 1 2 3"),
    ("text HOME to 741741", "text HOME to 7 4 1 7 4 1"),
    ("jane.doe@x.org", "jane dot doe at x dot org"),
    ("see https://www.988lifeline.org/chat.", "see 9 8 8 lifeline dot org"),
    ("Done.Then it rained", "Done.Then it rained"),
    ("8/10", "8 out of 10"),
    ("1/10 of it", "1 tenth of it"),
    ("rated 4/5", "rated 4 out of 5"),
    ("I'm 5'7\"", "I'm 5 feet 7 inches"),
    ("May 5-7", "May fifth to 7th"),
    ("e.g. at night", "for example at night"),
    ("**so** [hug] good 😀", "so good "),
]


@pytest.mark.parametrize(("text", "spoken"), MANDARIN)
def test_mandarin_reading(text: str, spoken: str):
    """Numbers, dates, times, money, units and telephone numbers as they are read aloud."""
    assert normalise(text, "zh").spoken == spoken


@pytest.mark.parametrize(("text", "spoken"), TAIWAN)
def test_traditional_text_reads_as_in_taiwan(text: str, spoken: str):
    """Traditional characters are simplified for the voice; 1 in telephone numbers is 一."""
    assert normalise(text, "zh").spoken == spoken


@pytest.mark.parametrize(
    ("text", "region", "spoken"),
    [
        ("打119", "taiwan", "打一一九"),
        ("花了$20", "taiwan", "花了二十元"),
        ("打119", "mainland", "打幺幺九"),
        ("这里打119", "taiwan", "这里打幺幺九"),  # 这 is written so on the mainland alone
        ("這裡打119", "mainland", "这里打一一九"),
    ],
)
def test_the_script_decides_and_else_the_region(text: str, region: Region, spoken: str):
    """Characters of one side outweigh the region; 打119 has none."""
    assert normalise(text, "zh", region).spoken == spoken


@pytest.mark.parametrize(("text", "spoken"), ENGLISH)
def test_english_reading(text: str, spoken: str):
    """What the English phonemiser cannot read by itself is written out."""
    assert normalise(text, "en").spoken.rstrip() == spoken.rstrip()


@pytest.mark.parametrize("text", ["A2区", "A２区", "A٢区", "A᪂区"])
def test_digits_of_any_script_are_read(text: str):
    """Arabic-Indic and others are digits to every rule; only European ones to the readers."""
    assert normalise(text, "zh").spoken == normalise("A2区", "zh").spoken


def test_a_number_maps_to_its_own_characters():
    """The reading of a number spans exactly the digits it stands for."""
    text = "我25岁，睡4.5小时"
    said = [(s.spoken, text[s.start : s.end]) for s in normalise(text, "zh").segments]
    assert ("二十五", "25") in said
    assert ("四点五", "4.5") in said


def test_traditional_characters_map_one_to_one():
    """Simplifying keeps every character's place, whole phrases included."""
    text = "後來我們只好回到裡面，著急什麼"
    reading = normalise(text, "zh")
    assert [reading.heard(said) for said in range(len(text) + 1)] == list(range(len(text) + 1))


@given(st.text(max_size=30))
def test_simplifying_keeps_the_length(text: str):
    """Whatever the text, offsets before and after are the same."""
    assert len(simplified(text)) == len(text)


@settings(deadline=None)
@given(text=ODD_TEXTS, language=st.sampled_from(["zh", "en"]))
def test_any_text_is_covered_and_heard_in_order(text: str, language: Language):
    """Segments tile the source; what is heard never falls and ends at the whole text."""
    reading = normalise(text, language)
    at = 0
    for segment in reading.segments:
        assert segment.start == at
        at = segment.end
    assert at == len(text)
    heard = [reading.heard(said) for said in range(len(reading.spoken) + 1)]
    assert heard == sorted(heard)
    assert heard[-1] == len(text)
