//! Lines that applications write, each with secrets in it.

use super::canaries::{Canaries, encoded};

/// Places where a value has no quotes around.
const BARE: &[&str] = &[
    "password={}",
    "login failed DB_PASSWORD={} for app",
    "redis: AUTH_TOKEN={}",
    "env: SECRET_KEY_BASE={}",
    "exec: app --password {} --port 80",
    "exec: app --api-key={} --port 80",
    "GET /login?user=a&password={}&x=1 HTTP/1.1",
    "Authorization: Bearer {}",
    "proxy-authorization: Basic {}",
    "> Cookie: sid={}; theme=dark",
    "< Set-Cookie: sid={}; Path=/; HttpOnly",
    "X-Api-Key: {}",
    "fastcgi_param DB_PASS {};",
    "requirepass {}",
];

/// Places where a value has quotes around.
const QUOTED: &[&str] = &[
    "{\"level\":\"error\",\"password\":\"{}\",\"n\":1}",
    "{\"msg\":\"{\\\"api_key\\\":\\\"{}\\\",\\\"n\\\":1}\"}",
    "body {\\x22secret\\x22:\\x22{}\\x22}",
    "config {'client_secret': '{}', 'n': 1}",
    "Parameters: {\"user_password\"=>\"{}\", \"n\"=>\"1\"}",
    "<add><password>{}</password></add>",
    "Environment=\"DB_PASS={}\" PORT=80",
    "CREATE USER app IDENTIFIED BY '{}'",
];

/// Once each, in one way of writing.
const PLAIN: &[&str] = &[
    "GET /?next=%2Flogin%3Fpassword%3D{}%26x%3D1 HTTP/1.1",
    "GET /f?X-Amz-Credential={}&X-Amz-Signature={}&X-Amz-Security-Token={}&x=1 HTTP/1.1",
    "GET /f?sig={}&key={}&code={}&access_token={} HTTP/1.1",
    "could not connect to postgres://app:{}@db:5432/shop",
    "could not connect to postgres://app:{}/a@b:c@db:5432/shop",
    "could not connect to redis://:{}@cache",
    "could not connect to mongodb+srv://app:{}@a,b/shop?retryWrites=true",
    "could not connect to amqp://app:{}%40x@mq/%2f",
    "url=postgres%3A%2F%2Fapp%3A{}%40db%2Fshop",
    "dsn app:{}@x/y@tcp(10.0.0.1:3306)/shop",
    "Server=db;User Id=app;Password={};Pooling=true",
    "jdbc:mysql://db/shop?user=app&password={}",
    "clone https://{}0123456789abcdef@git.example/x",
    "exec: /usr/bin/mysqldump -uroot -p{} shop",
    "exec: curl -s -u admin:{} http://127.0.0.1/",
    "exec: sshpass -p {} ssh web",
    "exec: redis-cli -h cache -a {} ping",
    "exec: docker login -u x -p {} registry",
    "exec: [\"mysql\",\"-p{}\",\"shop\"]",
    "exec: htpasswd -b /etc/users anna {}",
    "exec: rabbitmqctl add_user app {}",
    "exec: java -Djavax.net.ssl.keyStorePassword={} -jar x",
    "anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/usr/bin/mysql -p{} shop",
    "stats auth admin:{}",
    "user admin insecure-password {}",
    "map[Authorization:[Bearer {}] Host:[x]]",
    "machine h login u password {}",
];

/// All of them.
pub(crate) fn planted(canaries: &mut Canaries) -> Vec<String> {
    let mut lines = Vec::new();
    for text in BARE {
        lines.extend(canaries.all_forms(text, false));
    }
    for text in QUOTED {
        lines.extend(canaries.all_forms(text, true));
    }
    lines.extend(PLAIN.iter().map(|text| canaries.plain(text)));
    let shapes = [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY25yeQ",
        "AKIACNRY0123456789AB",
        "ghp_cnry456789abcdefghijABCDEFGHIJ012345",
        "xoxb-012345678901-cnrydefghij",
        "sk_live_cnry456789abcdef",
        "AIzaSyCnry456789abcdefghijklmnopqrstuv01",
        "glpat-cnry456789abcdefghij",
        "$2y$10$cnryefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
        "$apr1$cnry6Vci$eIMziKDkbtysuU7LEK0012",
        "4556737586899855",
        "4111 1111 1111 1111",
        "MIIEcnryADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    ];
    for shape in shapes {
        let place = if shape.starts_with("MII") { "{}" } else { "worker said {} and ended" };
        lines.push(canaries.shaped(place, shape));
    }
    let basic = encoded("admin:canary-of-basic");
    lines.push(canaries.shaped("got Basic {} from 10.0.0.1", &basic));
    lines
}
