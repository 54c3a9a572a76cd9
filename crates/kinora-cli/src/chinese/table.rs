//! Command, argument (empty: the command itself; `after`: what stands behind its options), words. Arguments of the
//! command `*` have the same words wherever they stand.

pub(super) const TEXTS: &[(&str, &str, &str)] = &[
    ("", "", "播放、探测、提供并解释视频。"),
    ("", "after", EXIT_STATUS),
    ("play", "", "播放文件、URL，或按 ID 播放视频。"),
    ("play", "after", PLAY),
    ("play", "source", "路径、URL，或 `vid:ID`。"),
    (
        "play",
        "vo",
        "画面输出，可用逗号写多个：null、png:目录、terminal、yuv:文件（或 文件.y4m）、sheet:文件.png。",
    ),
    ("play", "ao", "声音输出：null、wav:文件。"),
    (
        "play",
        "headless",
        "不开窗口、不读按键：输出只计时，不显示。",
    ),
    ("play", "start", "从该时刻（秒）开始。"),
    ("play", "paused", "显示第一帧后停住。"),
    ("play", "looping", "循环播放。"),
    ("play", "speed", "倍速，0.5 到 2。"),
    ("play", "volume", "音量，0 到 2。"),
    ("play", "mute", "静音。"),
    ("play", "until", "何时结束：first-frame、end、time:秒。"),
    ("play", "stats", "把事件按行以 JSON 写到标准输出。"),
    (
        "play",
        "progress",
        "每隔多少秒写一次播放位置（与 --stats json 同用）。",
    ),
    ("play", "control", "从标准输入按行读取 JSON 命令。"),
    (
        "play",
        "record",
        "为 `kinora replay` 记下本次播放：只有时间和大小，没有内容，没有密钥。",
    ),
    ("play", "dump_frame", "把第一帧的亮度写成 PGM 文件。"),
    ("replay", "", "不需要媒体，重演一次记录下来的播放。"),
    ("replay", "after", REPLAY),
    ("replay", "file", "`kinora play --record` 写下的文件。"),
    ("probe", "", "说明文件或 URL 里有什么，不解码。"),
    (
        "probe",
        "after",
        "示例：\n  kinora probe film.mp4\n  kinora probe --json https://example.com/film.ts",
    ),
    ("demux", "", "读出文件或 URL 的全部数据包。"),
    (
        "demux",
        "after",
        "示例：\n  kinora demux film.mp4\n  kinora demux --packets film.ts | head",
    ),
    (
        "demux",
        "packets",
        "每个数据包写一行 JSON：轨道、时间、关键帧、大小、校验和。",
    ),
    ("decode", "", "以最快速度解码画面。"),
    (
        "decode",
        "after",
        "示例：\n  kinora decode --video-only --frames 300 --threads 2 film.mp4\n  kinora decode --frame-md5 film.mp4",
    ),
    (
        "decode",
        "video_only",
        "不解码声音（目前只有这一种；写明亦可）。",
    ),
    ("decode", "frames", "解码这么多帧后停止。"),
    ("decode", "threads", "解码器可用的线程数。"),
    (
        "decode",
        "frame_md5",
        "写出每一帧的校验和，算法同 `ffmpeg -f framemd5`。",
    ),
    ("diagnose", "", "查明某个来源为何不能播放，以及该由谁处理。"),
    ("diagnose", "after", DIAGNOSE),
    ("diagnose", "source", "路径、URL，或 `vid:ID`。"),
    ("diagnose", "seconds", "试播多少秒。"),
    (
        "diagnose",
        "report",
        "把全部结果写进一个 ZIP 文件，供技术支持使用。",
    ),
    ("explain", "", "解释错误码、错误名或词语。"),
    ("explain", "after", EXPLAIN),
    (
        "explain",
        "what",
        "错误码（十六进制或十进制）、名称或其一部分、分组，或词语。",
    ),
    ("explain", "list", "列出全部错误码，每行一个。"),
    ("explain", "group", "列出某一分组的全部错误码。"),
    ("serve", "", "在一个数据目录上运行点播服务。"),
    (
        "serve",
        "after",
        "示例：\n  kinora serve --data ./vod --listen 127.0.0.1:8080\n  kinora import film.mp4 --data ./vod",
    ),
    ("serve", "data", "存放一切的目录：数据库、媒体、密钥。"),
    ("serve", "listen", "监听地址；端口写 0 则取一个空闲端口。"),
    (
        "serve",
        "public_url",
        "媒体 URL 中客户端看到的地址，与监听地址不同时（例如在代理之后）填写。",
    ),
    ("import", "", "把文件导入服务的数据目录。"),
    (
        "import",
        "after",
        "示例：\n  kinora import film.mkv --data ./vod --title '一部影片'\n  kinora import film.mp4 --data ./vod --encrypt aes-128",
    ),
    ("import", "file", "要导入的文件。"),
    ("import", "data", "服务的数据目录；服务可以正在运行。"),
    ("import", "title", "标题；默认用文件名。"),
    ("import", "encrypt", "加密 HLS 各清晰度。"),
    ("import", "ladder", "总是生成全部清晰度，即使原样复制就够。"),
    ("play-auth", "", "像业务服务器那样，向服务申请播放凭证。"),
    (
        "play-auth",
        "after",
        "示例：\n  export KINORA_ENDPOINT=http://127.0.0.1:8080 KINORA_ACCESS_KEY_ID=… KINORA_ACCESS_KEY_SECRET=…\n  KINORA_PLAY_AUTH=$(kinora play-auth 视频) kinora play vid:视频",
    ),
    ("play-auth", "lifetime", "凭证有效期，秒（100 到 3000）。"),
    ("play-auth", "region", "服务所在地域。"),
    ("play-auth", "access_key_id", "访问密钥 ID。"),
    (
        "play-auth",
        "access_key_secret",
        "访问密钥；`@文件` 表示从文件读取。",
    ),
    (
        "account",
        "",
        "查看或修改数据目录的账号：密钥、标志、视频。",
    ),
    (
        "account",
        "after",
        "示例：\n  kinora account videos --data ./vod\n  kinora account set --data ./vod --state suspended",
    ),
    ("account new-key", "", "生成新的访问密钥，只显示这一次。"),
    (
        "account play-auth",
        "",
        "不经服务直接签发播放凭证，有效期任选。",
    ),
    ("account play-auth", "lifetime", "有效期，秒。"),
    ("account set", "", "设置账号的标志。"),
    (
        "account set",
        "state",
        "账号状态：active 正常，not-opened 未开通，suspended 已停用（例如欠费）。",
    ),
    ("account videos", "", "列出视频。"),
    ("completions", "", "输出某种 shell 的补全脚本。"),
    ("completions", "shell", "哪种 shell。"),
    ("man", "", "输出手册页（roff）。"),
    ("help", "", "显示本说明，或某个命令的说明。"),
    ("*", "help", "显示说明。"),
    ("*", "version", "显示版本。"),
    ("*", "lang", "解释所用的语言；默认随系统区域设置。"),
    (
        "*",
        "json",
        "供机器读取：结果以 JSON 写到标准输出，故障以 JSON 写到标准错误。",
    ),
    ("*", "color", "何时着色；遵从 NO_COLOR。"),
    ("*", "source", "路径或 URL。"),
    (
        "*",
        "decoder",
        "可用的解码器：auto 优先 libavcodec，否则用 Rust 解码器；rust 只用纯 Rust；ffmpeg 只用 libavcodec。",
    ),
    ("*", "data", "服务的数据目录。"),
    ("*", "video", "视频的 ID。"),
    ("*", "endpoint", "服务地址。"),
    ("*", "headers", "每个请求都带的请求头；可重复。"),
    ("*", "referer", "Referer 请求头。"),
    ("*", "user_agent", "User-Agent 请求头。"),
    ("*", "proxy", "HTTP 代理。"),
    ("*", "ca", "除系统证书外还信任这些证书（PEM）。"),
    ("*", "ipv4", "只用 IPv4。"),
    ("*", "ipv6", "只用 IPv6。"),
    ("*", "timeout", "网络最长可以静默多少毫秒。"),
    ("*", "retries", "网络静默或失败时重试的次数。"),
    ("*", "play_auth", "播放凭证；`@文件` 表示从文件读取。"),
    ("*", "region", "服务所在地域；默认取凭证中的。"),
    ("*", "access_key_id", "STS：访问密钥 ID。"),
    (
        "*",
        "access_key_secret",
        "STS：访问密钥；`@文件` 表示从文件读取。",
    ),
    (
        "*",
        "security_token",
        "STS：会话令牌；`@文件` 表示从文件读取。",
    ),
    (
        "*",
        "quality",
        "清晰度：FD、LD、SD、HD、OD、2K、4K、SQ、HQ、AUTO。",
    ),
    ("*", "force_quality", "没有该清晰度时报错，而不取最接近的。"),
    ("*", "formats", "想要的格式，逗号分隔：mp4、m3u8、mp3。"),
    (
        "*",
        "refresh_command",
        "凭证过期时运行的命令，它输出新的播放凭证。",
    ),
];

const EXIT_STATUS: &str = "\
退出状态：
  0   完成
  1   `explain` 没有找到
  2   参数有误
  10  请求   11  POP 网关   12  点播服务   13  MPS   14  时移
  15  私有加密   16  ARTP   20  播放   30  下载
`kinora explain --list` 列出全部错误码。";

const PLAY: &str = "\
示例：
  kinora play film.mp4
  kinora play https://example.com/live/index.m3u8 --vo terminal
  kinora play film.mp4 --vo png:frames --ao wav:sound.wav
  KINORA_PLAY_AUTH=… kinora play vid:5aed81b74ba84920be578cdfe004af4b --endpoint http://127.0.0.1:8080
  kinora play film.mp4 --headless --stats json --until first-frame

终端中的按键：
  空格 暂停   ← → 后退、前进 10 秒   ↓ ↑ 后退、前进 1 分钟   n 下一清晰度   m 静音   q 退出";

const REPLAY: &str = "\
示例：
  kinora play https://example.com/live/index.m3u8 --headless --record session.jsonl
  kinora replay session.jsonl

重演与记录不一致时，退出状态为 2。";

const DIAGNOSE: &str = "\
示例：
  kinora diagnose https://example.com/live/index.m3u8
  kinora diagnose film.mp4 --seconds 0
  KINORA_PLAY_AUTH=… kinora diagnose vid:5aed81b74ba84920be578cdfe004af4b --report report.zip
  kinora diagnose --json https://example.com/film.mp4 | jq .verdict

退出状态是结论所属分组的状态；一切正常时为 0。报告不含密钥。";

const EXPLAIN: &str = "\
示例：
  kinora explain 0x20050006
  kinora explain 537198598
  kinora explain token_expired
  kinora explain 清晰度 --lang zh
  kinora explain --group pop";
