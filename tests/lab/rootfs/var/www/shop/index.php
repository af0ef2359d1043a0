<?php
if (isset($_GET['sleep'])) { sleep((int) $_GET['sleep']); }
if (isset($_GET['basket'])) { header('Set-Cookie: basket=' . str_repeat('x', 70000)); }
echo "shop\n";
