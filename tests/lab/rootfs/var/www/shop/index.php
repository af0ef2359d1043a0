<?php
if (isset($_GET['sleep'])) { sleep((int) $_GET['sleep']); }
if ($_SERVER['REQUEST_URI'] === '/basket') { header('Set-Cookie: basket=' . str_repeat('x', 70000)); }
echo "shop\n";
