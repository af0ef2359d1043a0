# nginx talks to a pool whose php error: another pool (second pool www2) stopped by removing its file and reload
inject() {
    sed 's/\[www\]/[blog]/; s#^listen = .*#listen = /run/php/blog.sock#' /etc/php/8.2/fpm/pool.d/www.conf >/etc/php/8.2/fpm/pool.d/blog.conf; systemctl restart php8.2-fpm; sleep 1
    vhost bl <<<'root /var/www/shop; location / { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /var/www/shop/index.php; fastcgi_pass unix:/run/php/blog.sock; }'; req http://bl.lan/ 2
    mv /etc/php/8.2/fpm/pool.d/blog.conf /etc/php/8.2/fpm/pool.d/blog.conf.disabled; systemctl reload php8.2-fpm; sleep 1; }
drive() { req http://bl.lan/; }
