use std::{borrow::Cow, hash::RandomState};

use proptest::prelude::*;

use super::{mark, redact, redact_configuration, scan};

/// Each with its secret between « and », which are taken out before.
const SECRETS: &[&str] = &[
    // Headers.
    "Authorization: «Bearer abcDEF.x.y»",
    "> authorization: «Basic dXNlcjpodW50ZXIy»",
    "Proxy-Authorization: «Digest username=\"a\", response=\"b\"»",
    "Cookie: «sid=abc; theme=\"dark blue\"; x=1»",
    "Set-Cookie: «sid=abc; Path=/; HttpOnly»",
    "X-Api-Key: «abc,def;ghi»",
    "x-auth-token: «abc»",
    "curl -H 'Authorization: «Bearer a b c»' http://127.0.0.1/x",
    "curl -H \"Cookie: «a=b»\" http://127.0.0.1/x",
    "Authorization: «Basic\r\n dXNlcjpodW50ZXIy»\nHost: x",
    "Cookie: «a=b;\r\n c=d»\r\nHost: x",
    r#"{"headers":{"authorization":[«"Bearer abc"»],"host":"x"}}"#,
    "map[Authorization:[«Bearer abc»] Host:[x]]",
    "{'Authorization': '«Bearer abc»', 'Host': 'x'}",
    "got Bearer «Ab1cdefgh» from 10.0.0.1",
    "{Basic «dXNlcjpodW50ZXIy»|host}",
    // Queries.
    "GET /login?user=a&password=«hunter2»&x=1 HTTP/1.1",
    "https://x/?X-Amz-Credential=«AKI/2026»&X-Amz-Signature=«abc»&sig=«def»&n=1",
    "https://x/?X-Amz-Security-Token=«abc%2Fdef%3D»&n=1",
    "GET /cb?code=«abc»&state=1 HTTP/1.1",
    "GET /maps?key=«abc» HTTP/1.1",
    "GET /?user%5Bpassword%5D=«abc»&x=1",
    "GET /?next=%2Flogin%3Fpassword%3D«abc»%26x%3D1 HTTP/1.1",
    r#"request: "GET /?cookie=«1» HTTP/1.1", upstream: "x""#,
    r#""http://10.0.0.1/?token=«abc»", host: "x""#,
    r#"msg="GET /?token\u003d«abc»\u0026x=1""#,
    // URLs and connection strings.
    "postgres://app:«hunter2»@db:5432/x",
    "redis://:«CAN@ARY»@host",
    "postgres://app:«p/a@s#s?»@db:5432/x",
    "proxy_pass http://user:«hunter2»@10.0.0.1:80/x;",
    "amqp://app:«pä%40ss»@mq/%2f",
    "mongodb+srv://app:«x»@a,b/db?retry=1",
    "url=postgres%3A%2F%2Fapp%3A«hunter2»%40db%2Fx",
    "dsn app:«p@ss/w:d»@tcp(10.0.0.1:3306)/shop",
    "broker app:«hunter2»@mq.internal:5672 refused",
    "https://«0123456789abcdef0123456789abcdef»@sentry.example/1",
    "Server=db;User Id=app;Password=«a@b,c»;Pooling=true",
    "Driver=x;PWD={«a;b»};UID=app",
    "host=db password='«a b»'",
    // Variables, options, files.
    "DB_PASS=«hunter2»",
    "export DB_PASSWORD=«two words»",
    "APP_KEY=«base64:abc=»",
    "Environment=\"DB_PASS=«a b;c»\" PORT=80",
    "Environment=DB_PASS=«abc» PORT=80",
    "fastcgi_param DB_PASS «hunter2»;",
    "fastcgi_param DB_PASS \"«hunter 2»\";",
    "    proxy_set_header Authorization \"«Basic abc»\";",
    "SetEnv API_TOKEN «abc»",
    "env[DB_PASSWORD] = «abc»",
    "password: «my pass phrase»",
    "user admin insecure-password «abc»",
    "user admin password «$6$salt$0123456789abcdef0123»",
    "stats auth admin:«hunter2»",
    "requirepass «abc»",
    "admin:«$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00»",
    "admin:«{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=»",
    "<password>«a b»</password>",
    "machine h login u password «abc»",
    "CREATE USER x IDENTIFIED BY '«abc»'",
    r#"{"api_key":"«a\"b»","x":1}"#,
    r#"{\"password\":\"«a b»\",\"x\":1}"#,
    r#"{\x22password\x22:\x22«a b»\x22}"#,
    "%7B%22password%22%3A%22«abc»%22%7D",
    r#"[{"name":"DB_PASS","value":"«a b»"}]"#,
    "params: {\"password\"=>\"«abc»\", \"x\"=>1}",
    "(password=«a)b,c»)",
    "PASSWORD=«geheim-ÄÖ✓»",
    "DbPassWord=«abc»",
    // Command lines.
    "/usr/bin/mysqldump -uroot -p«abc» shop",
    "mysql --password «abc»",
    "mysql --token=«abc» -h db -p«def»",
    "/usr/bin/curl -s -u admin:«abc» http://127.0.0.1/reload",
    "curl --user 'admin:«a b»' http://127.0.0.1/",
    "sshpass -p «abc» ssh web",
    "\"exec: mysqldump -uroot -p«abc» shop\"",
    "exec: [\\\"mysql\\\",\\\"-p«abc»\\\",\\\"shop\\\"]",
    "mysql -p'«two words»' shop",
    "redis-cli -h db -a «abc» ping",
    "docker login -u x -p «abc» registry",
    "[\"mysql\",\"-p«abc»\",\"shop\"]",
    "[\"app\",\"--password\",\"«abc»\",\"-v\"]",
    "sudo: anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/usr/bin/mysql -p«abc» shop",
    "rabbitmqctl add_user app «abc»",
    "htpasswd -b /etc/users anna «abc»",
    "openssl rsa -passin pass:«abc» -in /x",
    "java -Djavax.net.ssl.keyStorePassword=«abc» -jar x",
    "keytool -storepass «abc» -list",
    // Shapes.
    "-----BEGIN RSA PRIVATE KEY-----\n«MIIabc\n+/=»\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----«MIIabc»",
    "«MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj»",
    "card «4111 1111 1111 1111» declined",
    "card=«5555555555554444», «378282246310005»",
];

#[test]
fn only_the_secret_goes_and_it_goes_whole() {
    let mut wrong = Vec::new();
    for line in SECRETS {
        let plain = line.replace(['«', '»'], "");
        let mut expected = String::new();
        for (n, piece) in line.split('«').enumerate() {
            let shown = piece.split('»').last().unwrap();
            expected += if n == 0 { "" } else { "[redacted]" };
            expected += shown;
        }
        let shown = redact(&plain);
        if shown != expected {
            wrong.push(format!("{plain}\n  is    {shown}\n  not   {expected}"));
        }
        assert_eq!(redact(&expected), expected, "twice is once");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tokens_are_known_by_their_shape() {
    let tokens = [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "AKIAABCDEFGHIJKLMNOP",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "glpat-0123456789abcdefghij",
        "xoxb-123456789012-abcdefghij",
        "sk_live_0123456789abcdef",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "hvs.0123456789abcdefghijklmn",
        "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
    ];
    for token in tokens {
        for line in [format!("x {token} y"), format!("\"{token}\""), format!("a%20{token}")] {
            let shown = redact(&line);
            assert_eq!(shown, line.replace(token, "[redacted]"), "{line}");
        }
    }
}

#[test]
fn what_a_diagnosis_needs_stays() {
    let lines = [
        "connect() failed (111: Connection refused) while connecting to upstream",
        r#"request: "GET /passenger/list HTTP/1.1", upstream: "http://127.0.0.1:80/passenger/list""#,
        r#"connect() to unix:/run/app.sock failed, upstream: "http://unix:/run/app.sock:/@me/x""#,
        r#"upstream: "http://[::1]:8080/users/@anna", host: "x""#,
        "mysqld -P 3306 ready, curl -p 80 --user-agent x:y",
        "proxy_pass http://app:3000/x;",
        "server_tokens off;",
        "max_tokens=4096 total_tokens: 12 token_type=bearer",
        "cannot load certificate key \"/etc/ssl/x.key\": PEM_read_bio_PrivateKey() failed",
        "private_key=/etc/ssl/private/x.key",
        "SSL_CTX_use_PrivateKey(\"/etc/ssl/x.key\") failed",
        "FATAL: password authentication failed for user \"app\"",
        "pam_unix(sudo:auth): authentication failure; logname= uid=0 user=anna",
        "session opened for user root(uid=0) by (uid=0)",
        "Unexpected token < in JSON at position 0",
        "unexpected token \";\", expecting \"]\"",
        "auth_basic_user_file /etc/nginx/.htpasswd;",
        "password_file: /run/x",
        "Basic authentication failed, Bearer realm=\"x\"",
        "status=7/NOTRUNNING code=exited signal=SEGV",
        "1795200868582 4111111111111112 sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
        "rewrite ^/(.*)$ /index.php?q=$1$is_args$args last;",
        "user@1000.service: Failed, php-fpm@8.2:x ssh://git@host/x",
        "key=value monkey: x keyspace=0 keepalive_timeout: 5",
        "proxy_set_header Authorization $http_authorization;",
        "got token: invalid, secret=null, password=${DB_PASS}",
        "/var/lib/docker/overlay2/abcDEF123/merged/usr/share/nginx/html/Assets1",
        "Token::Expired in app/models/token.rb:12",
        "docker run -p 80:80 nginx",
        "TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/usr/bin/systemctl restart app",
    ];
    let wrong: Vec<String> = lines
        .iter()
        .filter(|line| !matches!(redact(line), Cow::Borrowed(_)))
        .map(|line| format!("{line}\n  became {}", redact(line)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn in_a_configuration_a_blank_parts_a_name_from_its_value() {
    let shown = redact_configuration;
    assert_eq!(shown("+  api_token hunter 2;"), "+  api_token [redacted];");
    assert_eq!(shown("env[TOKEN] = hunter2"), "env[TOKEN] = [redacted]");
    for line in ["server_tokens off;", "cookie SRV insert", "proxy_pass http://a;"] {
        assert_eq!(shown(line), line);
    }
}

#[test]
fn the_same_secret_has_the_same_tag_and_another_process_another_one() {
    let (one, other) = (RandomState::new(), RandomState::new());
    let with = |key: &RandomState, text: &str| {
        scan::with(text, false, &|secret| mark::tagged(Some(key), secret)).into_owned()
    };
    let tag = |text: &str| text.split("[redacted:").nth(1).unwrap().get(..8).unwrap().to_owned();
    let first = with(&one, "password=hunter2 x");
    assert_eq!(tag(&first), tag(&with(&one, "postgres://app:hunter2@db/x")));
    assert_ne!(tag(&first), tag(&with(&one, "password=hunter3")));
    assert_ne!(tag(&first), tag(&with(&other, "password=hunter2")));
    // What has its tag keeps it, whoever reads it.
    assert_eq!(with(&other, &first), first);
    assert_eq!(redact(&first), first);
}

#[test]
fn the_end_of_a_word_is_no_option_once_its_beginning_is_redacted() {
    for text in ["4111111111111111-pPWD-----BEGIN RSA PRIVATE KEY-----", "4111111111111111-token x"]
    {
        let once = redact(text).into_owned();
        assert_eq!(redact(&once), once);
    }
    assert_eq!(redact("app -token hunter2"), "app -token [redacted]");
}

#[test]
fn what_was_cut_behind_a_secret_still_says_so() {
    let line = "Cookie: [redacted:0123abcd]… [cut at 65536 of 70000 bytes]";
    assert_eq!(redact(line), line);
    let cut = redact("mysql -phunter2… [cut at 65536 of 70000 bytes]");
    assert_eq!(cut, "mysql -p[redacted]… [cut at 65536 of 70000 bytes]");
}

proptest! {
    #[test]
    fn any_text_is_redacted_once(text in "(?s).{0,200}") {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn any_text_of_hints_is_redacted_once(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "password", "=", ":", " ", "\"", "'", "\\", "token", "Cookie: ", "://", "@", "a", "b1",
            "[redacted]", "[redacted:0123abcd]", "-----BEGIN RSA PRIVATE KEY-----", "\n", "&", "?",
            "%3D", "%22", "{", "}", "[", "]", ",", ";", "mysql ", "-p", "curl ", "-u ", "é", "Basic ",
            "eyJhbGciOiJI.abcd", "4111111111111111", "http", "tcp(", "<", ">", "PWD", "/", "key",
            "login ", "user ", "set ", "--", "\t", "stats auth ", "… [cut at 5",
        ]), 0..24),
    ) {
        let text = pieces.concat();
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str(), "{}", text);
        let once = redact_configuration(&text).into_owned();
        prop_assert_eq!(redact_configuration(&once), once.as_str(), "{}", text);
    }

    #[test]
    fn a_named_password_never_survives(
        // No option, no beginning of a variable, no escape of a byte from 0x20 on.
        secret in "[A-Za-z0-9!#*+.:/?^_~@ÄÖéß]([A-Za-z0-9!#$*+.:/?^_~@ÄÖéß-]|%{1,2}[A-Za-z013-9!#$*+.:/?^_~@ÄÖéß-]){9,20}%?",
        form in 0..7_usize,
    ) {
        let line = match form {
            0 => format!("password={secret}"),
            1 => format!("x DB_PASS=\"{secret}\" y"),
            2 => format!("{{\"secret\":\"{secret}\",\"a\":1}}"),
            3 => format!("Authorization: Bearer {secret}"),
            4 => format!("app --password {secret} --port 80"),
            5 => format!("sshpass -p {secret} ssh web"),
            _ => format!("fastcgi_param DB_PASS {secret};"),
        };
        prop_assert!(!redact(&line).contains(&secret), "{}", redact(&line));
    }
}
